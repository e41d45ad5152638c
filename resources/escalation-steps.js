/* The steps of an escalation: one row and one output each; wires move with their step. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST = 10;
  const DAY = 86400;
  const t = (key, values) => RED._(`alarmflow/alarmflow-escalation:steps.${key}`, values);
  const refusal = (options, text) => `${options?.label ?? ''}: ${text}`.replace(/^: /, '');

  const isDelay = (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && number >= 0 && number <= DAY;
  };

  alarmflow.check.escalationSteps = () =>
    function validate(value, options) {
      if (value === undefined) return true;
      if (!Array.isArray(value) || value.length < 1 || value.length > MOST)
        return refusal(options, t('number', { most: MOST }));
      const wrong = value.findIndex((step) => !isDelay(step?.delay));
      return wrong < 0 ? true : refusal(options, t('delay', { number: wrong + 1, max: DAY }));
    };

  alarmflow.escalationEditor = (form, steps) => {
    const list = form.find('#node-input-steps-list');
    const outputs = form.find('#node-input-outputs');
    const repeat = form.find('#node-input-repeatMode');
    /** Where each former output goes, -1: nowhere; what is new has a name that is no number. */
    const places = {};
    let fresh = 0;

    const rows = () =>
      list
        .editableList('items')
        .map((_at, item) => item.data('data'))
        .get();

    const number = () => {
      list.editableList('items').each((at, item) => {
        const { step } = item.data('data');
        places[step.output] = at;
        item.find('.alarmflow-step-after').text(at === 0 ? t('first') : t('next', { number: at }));
        item.find('.alarmflow-step-output').text(`→ ${t('output', { number: at + 1 })}`);
      });
      const count = rows().length;
      outputs.val(JSON.stringify(places));
      form.find('.red-ui-editableList-addButton').prop('disabled', count >= MOST);
      form.find('.alarmflow-row-remove, .red-ui-editableList-item-remove').toggle(count > 1);
    };

    list.editableList({
      height: 'auto',
      sortable: true,
      removable: true,
      addButton: t('add'),
      addItem(row, _at, data) {
        data.step ??= { delay: 120, output: `new${fresh++}` };
        const { step } = data;
        row.addClass('alarmflow-row');
        $('<input type="number" class="alarmflow-row-number" min="0" max="86400" step="any">')
          .val(step.delay)
          .on('input', (event) => {
            step.delay = event.target.value.trim() === '' ? '' : Number(event.target.value);
            $(event.target).toggleClass('input-error', !isDelay(step.delay));
          })
          .appendTo(row);
        $('<span class="alarmflow-unit">').text('s').appendTo(row);
        $('<span class="alarmflow-row-title alarmflow-step-after">').appendTo(row);
        $('<span class="alarmflow-unit alarmflow-step-output">').appendTo(row);
        setTimeout(number, 0);
      },
      removeItem({ step }) {
        if (/^\d+$/.test(step.output)) places[step.output] = -1;
        else delete places[step.output];
        number();
      },
      sortItems: number,
    });
    (Array.isArray(steps) ? steps : []).forEach(({ delay }, at) => {
      list.editableList('addItem', { step: { delay, output: String(at) } });
    });
    number();

    const show = () => {
      form.find('.alarmflow-when-repeated').toggle(repeat.val() !== 'never');
      form.find('.alarmflow-when-times').toggle(repeat.val() === 'times');
    };
    repeat.on('change', show);
    show();

    return {
      steps: () => rows().map(({ step }) => ({ delay: step.delay })),
    };
  };
})();
