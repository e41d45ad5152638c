/* What the dialog of an email node has beside plain fields: receivers with schedules, and the mail as it would look. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST = 50;
  const KINDS = ['to', 'cc', 'bcc'];
  const t = (key, values) => RED._(`alarmflow/alarmflow-email:receivers.${key}`, values);
  const refusal = (options, text) => `${options?.label ?? ''}: ${text}`.replace(/^: /, '');
  const listOf = (text) =>
    String(text ?? '')
      .split(/[,;\n]/)
      .map((entry) => entry.trim())
      .filter(Boolean);
  const isMail = (entry) => entry.length <= 254 && /^[^\s@<>,;:"\\()[\]]{1,64}@[^\s@<>,;:"\\()[\]]{1,189}$/.test(entry);
  const areMails = (text) => {
    const entries = listOf(text);
    return entries.length > 0 && entries.length <= MOST && entries.every(isMail);
  };
  const isSchedule = (id) => RED.nodes.node(id)?.type === 'alarmflow-schedule';

  /** Of the first field: it may be empty where there are further receivers. */
  alarmflow.check.receivers = () => {
    const mails = alarmflow.check.mails();
    return function validate(value, options) {
      const none = listOf(Array.isArray(value) ? value.join() : value).length === 0;
      if (none && value !== undefined && this?.more?.length > 0) return true;
      return mails.call(this, value, options);
    };
  };

  alarmflow.check.moreReceivers = () =>
    function validate(value, options) {
      if (value === undefined) return true;
      if (!Array.isArray(value) || value.length > MOST) return refusal(options, t('number', { most: MOST }));
      for (const row of value) {
        if (!KINDS.includes(row?.kind) || !areMails(row.addresses)) return refusal(options, t('addresses'));
        if (row.schedule && !isSchedule(row.schedule)) return refusal(options, t('gone', { id: row.schedule }));
      }
      return true;
    };

  function scheduleSelect(chosen) {
    const select = $('<select class="alarmflow-row-choice">').attr('aria-label', t('schedule'));
    $('<option value="">').text(t('always')).appendTo(select);
    const schedules = [];
    RED.nodes.eachConfig((config) => {
      if (config.type === 'alarmflow-schedule') schedules.push(config);
    });
    schedules.sort((a, b) => (a.name || a.id).localeCompare(b.name || b.id));
    for (const { id, name } of schedules)
      $('<option>')
        .val(id)
        .text(t('while', { name: name || id }))
        .appendTo(select);
    if (chosen && !isSchedule(chosen))
      $('<option>')
        .val(chosen)
        .text(t('gone', { id: chosen }))
        .appendTo(select);
    return select.val(chosen ?? '');
  }

  alarmflow.receiversEditor = (form, rows) => {
    const list = form.find('#node-input-more-list');
    list.editableList({
      height: 'auto',
      sortable: true,
      removable: true,
      addButton: t('add'),
      addItem(row, _at, given) {
        given.group ??= { kind: 'to', addresses: '', schedule: '' };
        const { group } = given;
        row.addClass('alarmflow-row alarmflow-receivers');
        const kind = $('<select class="alarmflow-row-kind">').attr('aria-label', t('kind'));
        for (const one of KINDS) $('<option>').val(one).text(t(one)).appendTo(kind);
        kind
          .val(group.kind)
          .on('change', () => {
            group.kind = kind.val();
          })
          .appendTo(row);
        $('<input type="text" class="alarmflow-row-text" maxlength="4000">')
          .attr({ placeholder: t('placeholder'), 'aria-label': t('addressesLabel') })
          .val(group.addresses)
          .on('input', (event) => {
            group.addresses = event.target.value;
            $(event.target).toggleClass('input-error', !areMails(group.addresses));
          })
          .appendTo(row);
        const schedule = scheduleSelect(group.schedule);
        schedule
          .on('change', () => {
            group.schedule = schedule.val();
          })
          .appendTo(row);
      },
    });
    for (const { kind, addresses, schedule } of Array.isArray(rows) ? rows : [])
      list.editableList('addItem', { group: { kind, addresses, schedule } });
    return {
      rows: () =>
        list
          .editableList('items')
          .map((_at, item) => {
            const { kind, addresses, schedule } = item.data('data').group;
            return { kind, addresses: listOf(addresses).join(', '), schedule };
          })
          .get()
          .filter(({ addresses }) => addresses !== ''),
    };
  };

  /** Shows the mail in a frame that runs nothing and loads nothing. */
  alarmflow.mailPreview = (node, definition, form) => {
    const show = form.find('.alarmflow-mail-preview').hide();
    const result = form.find('.alarmflow-mail-preview-result');
    const button = form.find('#alarmflow-mail-preview');
    const phase = form.find('#alarmflow-mail-phase');
    const ask = () => {
      button.prop('disabled', true);
      result.removeClass('alarmflow-failed').text(alarmflow.text('test.running'));
      const values = {
        ...alarmflow.dialogValues(node, definition, form),
        phase: phase.val(),
        triggers: alarmflow.wiredTriggers(node).map(({ id }) => id),
      };
      $.ajax({
        url: 'alarmflow/nodes/alarmflow-email/preview',
        method: 'POST',
        contentType: 'application/json',
        data: JSON.stringify(values),
        dataType: 'json',
      })
        .done(({ subject, text, html, alarm }) => {
          result.text(RED._('alarmflow/alarmflow-email:preview.with', { alarm }));
          show.find('.alarmflow-mail-subject').text(subject);
          show.find('.alarmflow-mail-text').text(text);
          show.find('iframe').attr('srcdoc', html);
          show.show();
        })
        .fail((request) => {
          result.addClass('alarmflow-failed').text(alarmflow.reasonOf(request));
          show.hide();
        })
        .always(() => button.prop('disabled', false));
    };
    button.on('click', ask);
    phase.on('change', () => {
      if (show.is(':visible')) ask();
    });
  };
})();
