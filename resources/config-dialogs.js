/* What the dialogs of devices, schedules and mail servers share: time zones, test buttons. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;

  /** Fills a pick list with the IANA zones; '' is the zone of the machine that alarmflow runs on. */
  alarmflow.fillTimeZones = (select, value) => {
    const zones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
    // A zone that this browser does not know is kept: the runtime may.
    if (value) zones.add(value);
    select.empty().append($('<option value="">').text(alarmflow.text('timeZone.machine')));
    for (const zone of [...zones].sort()) select.append($('<option>').val(zone).text(zone));
    select.val(value ?? '');
  };

  /** What a failed request says, in words. */
  alarmflow.reasonOf = (request) =>
    request.responseJSON?.error?.message ??
    (request.status === 401 || request.status === 403
      ? alarmflow.text('test.forbidden')
      : alarmflow.text('test.noAnswer', { status: request.status }));

  /** Sends what the open dialog holds to a test route and shows what happened. */
  alarmflow.testButton = ({ button, result, url, values, told, running = alarmflow.text('test.running') }) => {
    button.on('click', () => {
      button.prop('disabled', true);
      result.removeClass('alarmflow-ok alarmflow-failed').text(running);
      $.ajax({ url, method: 'POST', contentType: 'application/json', data: JSON.stringify(values()), dataType: 'json' })
        .done((answer) => {
          result.addClass(answer.ok ? 'alarmflow-ok' : 'alarmflow-failed').text(answer.detail);
          told?.(answer);
        })
        .fail((request) => result.addClass('alarmflow-failed').text(alarmflow.reasonOf(request)))
        .always(() => button.prop('disabled', false));
    });
  };
})();
