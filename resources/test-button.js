/* What the dialogs of all action nodes share (<div data-alarmflow-part="test"></div>): the test button with what happened,
   and what is known against the chosen device. Both work on what the open dialog holds. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  /** How long the dialog is left alone before the device is asked about. */
  const SETTLE_MS = 400;

  const secondsOf = (ms) =>
    ms < 100
      ? alarmflow.text('test.tookMs', { ms })
      : alarmflow.text('test.took', { seconds: ms < 10_000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)) });

  /** What the dialog holds, as a flow file would have it. `formValues` of the definition adds what is no plain field. */
  function valuesOf(node, definition, form) {
    const values = { id: node.id };
    const fieldOf = (field) => form.find(`#node-input-${field}`);
    for (const [field, property] of Object.entries(definition.defaults)) {
      const choices = form.find(`.alarmflow-choices[data-field="${field}"]`);
      const input = fieldOf(field);
      if (choices.length > 0)
        values[field] = choices
          .find('input:checked')
          .map((_at, box) => box.value)
          .get();
      else if (property.type === 'alarmflow-device[]') values[field] = alarmflow.devices.of(node);
      else if (input.is('[type="checkbox"]')) values[field] = input.prop('checked');
      else if (input.length > 0) values[field] = input.val() === '_ADD_' ? '' : (input.val() ?? '');
      else values[field] = node[field] ?? property.value;
    }
    values.version = definition.defaults.version.value;
    for (const field of Object.keys(definition.credentials ?? {})) values[field] = fieldOf(field).val() ?? '';
    return { ...values, ...definition.formValues?.call(node) };
  }

  alarmflow.dialogValues = valuesOf;

  /** Config nodes that the dialog points at and that have changes which are not deployed. */
  function undeployed(definition, values) {
    const ids = Object.keys(definition.defaults)
      .filter((field) => definition.defaults[field].type)
      .flatMap((field) => values[field])
      .filter(Boolean);
    return [...new Set(ids)]
      .map((id) => RED.nodes.node(id))
      .filter((config) => config?.changed)
      .map((config) => config.name || config.host || config.id);
  }

  const post = (type, what, values) =>
    $.ajax({
      url: `alarmflow/nodes/${type}/${what}`,
      method: 'POST',
      contentType: 'application/json',
      data: JSON.stringify(values),
      dataType: 'json',
    });

  const icons = {
    running: 'fa-spinner fa-spin',
    ok: 'fa-check-circle',
    untried: 'fa-minus-circle',
    failed: 'fa-times-circle',
  };

  /** @param state `running`, `ok`, `untried` or `failed` */
  function show(result, { state, title, lines = [] }) {
    result
      .attr('class', `alarmflow-test-result alarmflow-test-${state}`)
      .empty()
      .append($('<i class="alarmflow-test-icon" aria-hidden="true">').addClass(`fa ${icons[state]}`))
      .append(
        $('<div>')
          .append($('<b class="alarmflow-test-title">').text(title))
          .append(lines.map((line) => $('<div>').text(line))),
      );
    // The button is the last of its form: what it says would often be out of sight.
    result[0].scrollIntoView({ block: 'nearest' });
  }

  function prepareButton(form, { type, values, pending }) {
    const button = form.find('.alarmflow-test-button');
    const result = form.find('.alarmflow-test-result');
    let running = false;
    button.on('click', () => {
      // Not disabled: whoever pressed it by keyboard would lose the place.
      if (running) return;
      running = true;
      button.attr('aria-disabled', 'true').addClass('disabled');
      show(result, { state: 'running', title: alarmflow.text('test.running') });
      const sent = values();
      const hints = pending(sent).map((name) => alarmflow.text('test.undeployed', { name }));
      post(type, 'test', sent)
        .done(({ ok, tried, detail, tookMs }) => {
          const state = ok ? 'ok' : tried === false ? 'untried' : 'failed';
          const title = alarmflow.text(`test.${state}`);
          show(result, {
            state,
            title: state === 'untried' ? title : `${title} · ${secondsOf(tookMs)}`,
            lines: [...String(detail).split('\n'), ...hints],
          });
        })
        .fail((request) => {
          show(result, {
            state: 'failed',
            title: alarmflow.text('test.failed'),
            lines: [alarmflow.reasonOf(request), ...hints],
          });
        })
        .always(() => {
          running = false;
          button.removeAttr('aria-disabled').removeClass('disabled');
        });
    });
  }

  /** Says beside the device what it cannot do, as soon as that is known. */
  function prepareCheck(form, { type, values }) {
    const place = form.find('.alarmflow-capability');
    const deviceRow = form.find('#node-input-device').closest('.form-row');
    if (deviceRow.length > 0) deviceRow.after(place);
    let timer = null;
    let asked = 0;
    const check = () => {
      const turn = ++asked;
      post(type, 'check', values())
        .done(({ problems }) => {
          if (turn !== asked) return;
          place.toggle(problems.length > 0).empty();
          for (const problem of problems)
            $('<div>')
              .append($('<i class="fa fa-exclamation-triangle" aria-hidden="true">'), ` ${problem}`)
              .appendTo(place);
        })
        // What is not known now is told by the test, or in the journal.
        .fail(() => turn === asked && place.hide());
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(check, SETTLE_MS);
    };
    place.hide();
    form.on('change.alarmflow-check', 'input, select, textarea', later);
    later();
    return () => {
      clearTimeout(timer);
      asked++;
      form.off('.alarmflow-check');
    };
  }

  let stop = null;
  alarmflow.nodeTest = {
    prepare(node, definition, form) {
      this.leave(form);
      if (form.find('.alarmflow-test-button').length === 0) return;
      const about = {
        type: definition.type,
        values: () => valuesOf(node, definition, form),
        pending: (values) => undeployed(definition, values),
      };
      prepareButton(form, about);
      stop = prepareCheck(form, about);
    },
    /** @param form the dialog that is left; another one's check goes on */
    leave(form) {
      if (form.find('.alarmflow-test-button').length === 0) return;
      stop?.();
      stop = null;
    },
  };
})();
