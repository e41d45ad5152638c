/* Fields that can be filled from what a device offers: <input data-alarmflow-pick="channel" data-many>. Typing stays possible. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST_DEVICES = 8;
  const MOST_ITEMS = 300;

  /** What a device offers for each kind of field: value, and words beside it. */
  const kinds = {
    channel: ({ offers }) => offers.channels.map(({ channel, name }) => [channel, name]),
    input: ({ offers }) => offers.inputs.map(({ input, name }) => [input, name]),
    output: ({ offers }) => offers.outputs.map(({ output, name }) => [output, name]),
    preset: ({ offers }, channel) =>
      offers.presets.filter((one) => !channel || one.channel === channel).map(({ preset, name }) => [preset, name]),
    rule: ({ offers }) => offers.rules.map(({ rule, name, type }) => [rule, [name, type].filter(Boolean).join(' · ')]),
    type: ({ offers, sent }) => [
      ...sent.map((type) => [type, alarmflow.text('pick.sent')]),
      ...offers.eventTypes.map((type) => [type, alarmflow.text('pick.offered')]),
    ],
  };

  const titleOf = (id) => {
    const device = RED.nodes.node(id);
    return device?.name || device?.host || id;
  };

  /** The devices that the dialog speaks of: the chosen one, the checked ones, or all where none is checked. */
  function devicesOf(form, input) {
    const field = input.attr('data-alarmflow-pick-device');
    if (field) return [form.find(`#node-input-${field}`).val()].filter((id) => id && id !== '_ADD_');
    const boxes = form.find('.alarmflow-device-list input');
    const checked = boxes.filter(':checked');
    return (checked.length > 0 ? checked : boxes).map((_at, box) => box.value).get();
  }

  const listOf = (text) =>
    String(text)
      .split(/[,;\n]/)
      .map((entry) => entry.trim())
      .filter(Boolean);

  function take(input, value) {
    const text = String(value);
    if (!input.is('[data-many]')) input.val(text);
    else {
      const listed = listOf(input.val());
      const without = listed.filter((entry) => entry !== text);
      input.val((without.length < listed.length ? without : [...listed, text]).join(', '));
    }
    input.trigger('change');
  }

  function addItems(panel, input, title, items) {
    if (title) $('<div class="alarmflow-pick-device">').text(title).appendTo(panel);
    const seen = new Set();
    for (const [value, words] of items.slice(0, MOST_ITEMS)) {
      if (seen.has(String(value))) continue;
      seen.add(String(value));
      $('<button type="button" class="alarmflow-pick">')
        .attr('data-value', value)
        .append($('<b>').text(value))
        .append($('<span class="alarmflow-unit">').text(words))
        .on('click', () => {
          take(input, value);
          mark(panel, input);
          if (!input.is('[data-many]')) {
            panel.remove();
            input.trigger('focus');
          }
        })
        .appendTo(panel);
    }
    return seen.size;
  }

  const mark = (panel, input) => {
    const chosen = new Set(input.is('[data-many]') ? listOf(input.val()) : [String(input.val()).trim()]);
    panel.find('.alarmflow-pick').each((_at, element) => {
      $(element).attr('aria-pressed', chosen.has(element.dataset.value));
    });
  };

  const note = (panel, text) => $('<div class="alarmflow-unit">').text(text).appendTo(panel);

  async function fill(form, input, panel) {
    const kind = input.attr('data-alarmflow-pick');
    const ids = devicesOf(form, input).slice(0, MOST_DEVICES);
    if (ids.length === 0) return note(panel.empty(), alarmflow.text('pick.noDevice'));
    const channel = Number(form.find('#node-input-channel').val()) || 0;
    const answers = await Promise.all(
      ids.map(
        (id) =>
          new Promise((done) => {
            $.getJSON(`alarmflow/devices/${encodeURIComponent(id)}/offers`)
              .done((answer) => done({ id, items: kinds[kind](answer, channel), problem: answer.problem }))
              .fail((request) => done({ id, items: [], problem: alarmflow.reasonOf(request) }));
          }),
      ),
    );
    panel.empty();
    let count = 0;
    for (const { id, items, problem } of answers) {
      count += addItems(panel, input, ids.length > 1 && items.length > 0 ? titleOf(id) : '', items);
      if (problem) note(panel, `${titleOf(id)}: ${problem}`);
    }
    if (count === 0) note(panel, alarmflow.text('pick.nothing'));
    mark(panel, input);
    return undefined;
  }

  function attach(form, input) {
    const row = input.closest('.form-row');
    const words = alarmflow.text('pick.choose');
    $('<button type="button" class="red-ui-button alarmflow-pick-button"><i class="fa fa-list-ul"></i></button>')
      .attr({ title: words, 'aria-label': words })
      .insertAfter(input)
      .on('click', () => {
        const open = row.find('.alarmflow-pick-panel');
        if (open.length > 0) {
          open.remove();
          return;
        }
        const panel = $('<div class="alarmflow-pick-panel" role="group">').attr('aria-label', words).appendTo(row);
        panel.on('keydown', (event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          panel.remove();
          input.trigger('focus');
        });
        note(panel, alarmflow.text('pick.asking'));
        fill(form, input, panel);
      });
  }

  alarmflow.pickLists = {
    prepare(form) {
      form.find('[data-alarmflow-pick]').each((_at, element) => attach(form, $(element)));
    },
  };
})();
