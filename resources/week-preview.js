/* What a schedule does next, as the open dialog has it. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const t = (key, values) => alarmflow.text(`week.${key}`, values);
  const PAUSE_MS = 300;

  /** @returns {{ ask(): void, stop(): void }} `ask` shows anew what `values()` says, a moment later. */
  alarmflow.schedulePreview = (container, values) => {
    const state = $('<p class="alarmflow-preview-state" role="status">').text(t('preview.waiting'));
    const table = $('<table class="alarmflow-preview">');
    const head = $('<tr>').append(
      ...['when', 'what', 'why'].map((key) => $('<th scope="col">').text(t(`preview.${key}`))),
    );
    const body = $('<tbody>');
    table.append($('<thead>').append(head), body);
    const scroll = $('<div class="alarmflow-preview-scroll" role="region" tabindex="0">')
      .attr('aria-label', t('preview.title'))
      .hide();
    container.empty().append(state, scroll.append(table));

    let timer = null;
    let asked = 0;

    function show(preview) {
      state.removeClass('alarmflow-failed').text(t('preview.now', { detail: preview.detail }));
      body.empty();
      for (const { local, armed, reason } of preview.edges)
        body.append(
          $('<tr>').append(
            $('<td>').text(local),
            $('<td>')
              .addClass(armed ? 'alarmflow-preview-on' : 'alarmflow-preview-off')
              .text(t(armed ? 'preview.armed' : 'preview.disarmed')),
            $('<td>').text(reason),
          ),
        );
      scroll.toggle(preview.edges.length > 0);
    }

    function fetchNow() {
      asked += 1;
      const mine = asked;
      $.ajax({
        url: 'alarmflow/schedules/preview',
        method: 'POST',
        contentType: 'application/json',
        data: JSON.stringify(values()),
        dataType: 'json',
      })
        // Only the answer to the latest question counts.
        .done((preview) => mine === asked && show(preview))
        .fail((request) => {
          if (mine !== asked) return;
          state.addClass('alarmflow-failed').text(alarmflow.reasonOf(request));
          scroll.hide();
        });
    }

    return {
      ask() {
        clearTimeout(timer);
        timer = setTimeout(fetchNow, PAUSE_MS);
      },
      stop() {
        clearTimeout(timer);
        asked += 1;
      },
    };
  };
})();
