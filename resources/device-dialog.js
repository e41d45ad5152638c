/* The device dialog: what a driver needs, its own settings, search on the network, recent pushes, the test. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const t = (key, values) => RED._(`alarmflow/alarmflow-device:${key}`, values);

  /** The same service with and without TLS. */
  const securePorts = { 80: 443, 1883: 8883 };
  const usual = { host: true, login: true, tls: true, receives: ['stream', 'push', 'both'], fields: [] };

  /** Drivers as the runtime tells them, by kind; null: not asked yet. */
  let drivers = null;
  /** The open dialog: the device's id and the driver that is chosen in it. */
  let open = null;

  const load = () =>
    $.getJSON('alarmflow/devices/drivers').done((answer) => {
      drivers = new Map(answer.drivers.map((driver) => [driver.kind, driver]));
    });

  const driverOf = (kind) => drivers?.get(kind) ?? { kind, title: kind, defaultPort: 80, dialog: usual };
  const dialogOf = (kind) => driverOf(kind).dialog ?? usual;

  /** What was typed for another driver and means nothing to this one. */
  const unusedBy = ({ host, login, tls }) => ({
    ...(host ? {} : { host: '' }),
    ...(login ? {} : { user: '', password: '' }),
    ...(tls ? {} : { tls: false }),
  });

  /** A device needs a host unless its driver has no use for one. */
  alarmflow.check.deviceHost = () => {
    const host = alarmflow.check.host();
    return function validate(value, options) {
      const kind = (open && this?.id === open.id ? open.kind() : this?.driver) ?? 'hikvision';
      // It is not shown, and emptied when the dialog is closed.
      if (!dialogOf(kind).host) return true;
      return host.call(this, value, options);
    };
  };

  // ---- the driver's own settings ----

  const fieldId = (name) => `alarmflow-option-${name}`;

  function inputOf(field) {
    switch (field.kind) {
      case 'lines':
        return $('<textarea rows="4" class="alarmflow-lines" spellcheck="false">');
      case 'flag':
        return $('<input type="checkbox">');
      case 'choice': {
        const select = $('<select>');
        for (const { value, label } of field.choices ?? []) $('<option>').val(value).text(label).appendTo(select);
        return select;
      }
      case 'number':
        return $('<input type="number" step="any">').attr({ min: field.min, max: field.max });
      default:
        return $('<input type="text">');
    }
  }

  function rowOf(field, value) {
    const row = $('<div class="form-row">').toggleClass('alarmflow-top', field.kind === 'lines');
    const label = $('<label>').attr('for', fieldId(field.name)).append('<i class="fa fa-sliders"></i> ');
    label.append($('<span>').text(field.label)).appendTo(row);
    const input = inputOf(field)
      .attr({ id: fieldId(field.name), 'data-option': field.name })
      .appendTo(row);
    if (field.kind === 'flag') input.prop('checked', value === true);
    else input.val(value);
    if (field.kind === 'number')
      input.on('input change', () => {
        const number = Number(input.val());
        const right = input.val() === '' || (number >= (field.min ?? -Infinity) && number <= (field.max ?? Infinity));
        input.toggleClass('input-error', !right);
        if (right) input.removeAttr('title');
        else input.attr('title', alarmflow.text('check.number', { min: field.min, max: field.max }));
      });
    if (field.hint) $('<span class="alarmflow-hint">').text(field.hint).appendTo(row);
    return row;
  }

  const valueIn = (box, field) => {
    const input = box.find(`[data-option="${field.name}"]`);
    if (field.kind === 'flag') return input.prop('checked');
    if (field.kind !== 'number') return input.val();
    return input.val() === '' ? field.value : Number(input.val());
  };

  /** What differs from a new device, so that flows stay short and old ones unchanged. */
  const changedIn = (box, kind) =>
    Object.fromEntries(
      dialogOf(kind)
        .fields.map((field) => [field, valueIn(box, field)])
        .filter(([field, value]) => value !== undefined && value !== field.value)
        .map(([field, value]) => [field.name, value]),
    );

  // ---- the parts of the dialog ----

  function prepareGuide(form, kind) {
    const guide = form.find('.alarmflow-guide');
    const text = guide.find('.alarmflow-guide-text');
    let shown = null;
    const show = () => {
      if (!guide.prop('open') || shown === kind()) return;
      shown = kind();
      text.text('…');
      $.getJSON(`alarmflow/devices/drivers/${encodeURIComponent(shown)}/guide`)
        .done(({ guide: markdown }) => {
          if (markdown) text.html(RED.utils.renderMarkdown(markdown));
          else text.text(t('guide.none'));
        })
        .fail((request) => text.text(alarmflow.reasonOf(request)));
    };
    guide.on('toggle', show);
    return show;
  }

  function prepareSearch(form, { field, choose }) {
    const button = form.find('#alarmflow-device-find');
    const list = form.find('.alarmflow-found');
    const line = (device) => {
      const title = device.title || device.identity || device.host;
      return $('<button type="button" class="alarmflow-found-device">')
        .append($('<b>').text(title))
        .append($('<span>').text(`${device.host}:${device.port}`))
        .append($('<span class="alarmflow-unit">').text(driverOf(device.driver).title))
        .on('click', () => {
          choose(device.driver);
          field('host').val(device.host).trigger('change');
          field('port').val(device.port).trigger('change');
          if (!field('name').val()) field('name').val(device.title).trigger('change');
          list.find('.alarmflow-found-device').removeClass('alarmflow-chosen');
        });
    };
    button.on('click', () => {
      button.prop('disabled', true);
      list
        .show()
        .empty()
        .append($('<span class="alarmflow-unit">').text(t('find.running')));
      $.ajax({
        url: 'alarmflow/devices/discover',
        method: 'POST',
        contentType: 'application/json',
        data: '{}',
        dataType: 'json',
      })
        .done(({ devices, problems }) => {
          list.empty();
          if (devices.length === 0) $('<span class="alarmflow-unit">').text(t('find.none')).appendTo(list);
          for (const device of devices) list.append(line(device));
          for (const problem of problems) $('<span class="alarmflow-hint">').text(problem).appendTo(list);
        })
        .fail((request) => list.empty().append($('<span class="alarmflow-failed">').text(alarmflow.reasonOf(request))))
        .always(() => button.prop('disabled', false));
    });
  }

  /** A button that asks the device something: what kind of failure it was, and what is left to mend. */
  function prepareQuestion({ button, result, list, url, values, running, warningsOf }) {
    alarmflow.testButton({
      button,
      result,
      url,
      values,
      running,
      told(answer) {
        list.empty();
        if (!answer.ok && answer.failure)
          result.empty().append($('<b>').text(answer.failure), $('<br>'), document.createTextNode(answer.detail));
        for (const warning of warningsOf(answer))
          $('<li>')
            .append('<i class="fa fa-exclamation-triangle alarmflow-warning-sign"></i> ')
            .append(document.createTextNode(warning))
            .appendTo(list);
      },
    });
    button.on('click', () => list.empty());
  }

  const prepareTest = (form, values) =>
    prepareQuestion({
      button: form.find('#alarmflow-device-test'),
      result: form.find('#alarmflow-device-result'),
      list: form.find('#alarmflow-device-facts'),
      url: 'alarmflow/devices/test',
      values,
      warningsOf: ({ facts }) => facts?.warnings ?? [],
    });

  const preparePushSetUp = (form, values) =>
    prepareQuestion({
      button: form.find('#alarmflow-device-tell'),
      result: form.find('#alarmflow-device-told'),
      list: form.find('#alarmflow-device-told-warnings'),
      url: 'alarmflow/devices/push-set-up',
      values,
      running: t('tell.running'),
      warningsOf: ({ warnings }) => warnings ?? [],
    });

  // ---- recent pushes, to click fields from ----

  const mappedFields = [
    'type',
    'phase',
    'level',
    'channel',
    'channelName',
    'input',
    'output',
    'rule',
    'object',
    'target',
    'direction',
    'temperature',
    'maximum',
    'minimum',
    'average',
    'threshold',
    'unit',
    'preset',
    'time',
    'description',
    'picture',
  ];
  const MOST_PLACES = 200;

  const step = (name) => (/^[A-Za-z_][\w-]*$/.test(name) ? `.${name}` : `['${name.replace(/['\\]/g, '\\$&')}']`);

  function jsonPlaces(value, path, places) {
    if (places.length >= MOST_PLACES) return;
    if (value !== null && typeof value === 'object') {
      const entries = Array.isArray(value)
        ? value.map((item, at) => [`[${at}]`, item])
        : Object.entries(value).map(([name, item]) => [step(name), item]);
      for (const [part, item] of entries) jsonPlaces(item, path + part, places);
    } else places.push([path, String(value)]);
  }

  function xmlPlaces(element, path, places) {
    if (places.length >= MOST_PLACES) return;
    const here = `${path}/${element.localName}`;
    for (const { name, value } of element.attributes)
      if (!name.startsWith('xmlns')) places.push([`${here}/@${name}`, value]);
    if (element.children.length === 0) places.push([here, element.textContent.trim()]);
    for (const child of element.children) xmlPlaces(child, here, places);
  }

  /** Every value of a push with the place where the driver would find it. */
  function placesOf(text) {
    const cut = /\r?\n\r?\n/.exec(text);
    const head = cut ? text.slice(0, cut.index) : '';
    const body = cut ? text.slice(cut.index + cut[0].length) : text;
    const places = [];
    const query = /^\S+ [^\s?]*\?(\S*)/.exec(head)?.[1] ?? '';
    for (const [name, value] of new URLSearchParams(query)) places.push([`query:${name}`, value]);
    const trimmed = body.trim();
    if (/^[[{]/.test(trimmed)) {
      try {
        jsonPlaces(JSON.parse(trimmed), '$', places);
      } catch {
        // Secrets taken out or a sloppy sender: the text above the table still shows it.
      }
    } else if (trimmed.startsWith('<')) {
      const root = new DOMParser().parseFromString(trimmed, 'text/xml').documentElement;
      if (root && !root.querySelector('parsererror') && root.localName !== 'parsererror') xmlPlaces(root, '', places);
    } else if (/^[^\s=&]+=/.test(trimmed)) {
      for (const [name, value] of new URLSearchParams(trimmed)) places.push([`form:${name}`, value]);
    }
    for (const line of head.split(/\r?\n/).slice(1)) {
      const at = line.indexOf(':');
      if (at > 0) places.push([`header:${line.slice(0, at).toLowerCase()}`, line.slice(at + 1).trim()]);
    }
    return places.slice(0, MOST_PLACES);
  }

  function placeRow(place, value, mapping) {
    const use = $('<select class="alarmflow-recent-use">').append($('<option value="">').text(t('recent.use')));
    for (const field of mappedFields) $('<option>').val(field).text(field).appendTo(use);
    use.attr('aria-label', `${t('recent.use')} ${place}`).on('change', () => {
      if (!use.val()) return;
      const line = `${use.val()} = ${place}`;
      const lines = String(mapping.val()).split('\n');
      // The place that was clicked is tried before those that stand there.
      if (!lines.includes(line))
        mapping.val([line, ...lines.filter((one) => one.trim() !== '')].join('\n')).trigger('change');
    });
    return $('<tr>')
      .append($('<td>').append($('<code>').text(place)))
      .append($('<td class="alarmflow-recent-value">').text(value))
      .append($('<td>').append(use));
  }

  function showPushes(box, pushes, mapping) {
    box.empty();
    if (pushes.length === 0) $('<span class="alarmflow-unit">').text(t('recent.none')).appendTo(box);
    pushes.forEach((push, at) => {
      const item = $('<details class="alarmflow-recent-push">')
        .prop('open', at === 0)
        .appendTo(box);
      $('<summary>')
        .text(`${new Date(push.at).toLocaleString()} · ${push.text.split(/\r?\n/, 1)[0].slice(0, 80)}`)
        .appendTo(item);
      $('<pre>').text(push.text.slice(0, 20_000)).appendTo(item);
      const table = $('<table>').appendTo(item);
      for (const [place, value] of placesOf(push.text)) table.append(placeRow(place, value, mapping));
    });
  }

  function prepareRecent(form, id) {
    const box = form.find('.alarmflow-recent');
    form.find('#alarmflow-device-recent').on('click', () => {
      box.text('…');
      $.getJSON(`alarmflow/devices/${encodeURIComponent(id)}/recent`)
        .done(({ pushes }) => showPushes(box, pushes, form.find('[data-option="mapping"]')))
        .fail((request) => box.text(alarmflow.reasonOf(request)));
    });
  }

  alarmflow.deviceDialog = {
    mappedFields,
    placesOf,

    /** Which drivers need what is known before the first dialog opens, so that devices are judged rightly. */
    attach() {
      load().done(() => {
        RED.nodes.eachConfig((config) => {
          if (config.type === 'alarmflow-device') RED.editor.validateNode(config);
        });
      });
    },

    prepare(node) {
      const form = $('#node-config-dialog-edit-form');
      const field = (name) => $(`#node-config-input-${name}`);
      const driver = field('driver');
      const box = form.find('.alarmflow-driver-fields');
      const tls = field('tls');
      const port = field('port');
      const receive = field('receive');
      const first = node.driver || 'hikvision';
      /** What was typed for each driver while the dialog is open. */
      const typed = new Map([[first, node.options ?? {}]]);
      let current = first;
      open = { id: node.id, kind: () => driver.val() || first };

      const showDrivers = () => {
        const list = drivers ? [...drivers.values()] : [];
        driver.empty();
        for (const { kind, title } of list) $('<option>').val(kind).text(title).appendTo(driver);
        if (!list.some(({ kind }) => kind === current)) $('<option>').val(current).text(current).appendTo(driver);
        driver.val(current);
      };

      const showFields = () => {
        const { fields } = dialogOf(current);
        const given = typed.get(current) ?? {};
        box.empty().toggle(fields.length > 0);
        if (fields.length === 0) return;
        $('<div class="alarmflow-heading"><i class="fa fa-sliders"></i> </div>')
          .append($('<span>').text(t('label.settings', { driver: driverOf(current).title })))
          .appendTo(box);
        for (const one of fields) box.append(rowOf(one, Object.hasOwn(given, one.name) ? given[one.name] : one.value));
        showWhen();
      };

      /** Fields that mean something only with another's choice. */
      const showWhen = () => {
        for (const { name, when } of dialogOf(current).fields) {
          if (!when) continue;
          const chosen = box.find(`[data-option="${when.field}"]`).val();
          box.find(`[data-option="${name}"]`).closest('.form-row').toggle(when.is.includes(chosen));
        }
      };

      const showReceive = () => {
        const { receives } = dialogOf(current);
        const before = receive.val() || node.receive || 'both';
        const chosen = receives.includes(before) ? before : receives.includes('both') ? 'both' : receives[0];
        receive.empty();
        for (const way of receives)
          $('<option>')
            .val(way)
            .text(t(`receive.${way}`))
            .appendTo(receive);
        receive.val(chosen);
        form.find('.alarmflow-when-receives').toggle(receives.length > 1);
      };

      const show = () => {
        const { host, login, loginHint, tls: secure, receives, ingest, clock, fields } = dialogOf(current);
        form.find('.alarmflow-when-host').toggle(host);
        form.find('.alarmflow-when-login').toggle(login);
        form
          .find('.alarmflow-login-hint')
          .text(loginHint ?? '')
          .toggle(Boolean(loginHint));
        form.find('.alarmflow-when-secure').toggle(secure);
        form.find('.alarmflow-when-tls').toggle(secure && tls.prop('checked'));
        const pushes = receives.includes(receive.val()) && receive.val() !== 'stream';
        form.find('.alarmflow-when-push').toggle(pushes);
        // Who asks a device knows sooner whether it is there.
        form.find('.alarmflow-when-silent').toggle(receive.val() === 'push');
        form.find('.alarmflow-when-clock').toggle(clock !== false);
        form.find('.alarmflow-when-live').toggle(dialogOf(current).live === true);
        const asksNothing = clock === false && receives.length <= 1 && !pushes;
        form.find('.alarmflow-when-events').toggle(!asksNothing);
        form.find('#alarmflow-device-test span').text(t(host ? 'label.test' : 'label.check'));
        form.find('.alarmflow-when-mapping').toggle(fields.some(({ name }) => name === 'mapping'));
        if (ingest === false) {
          form.find('.alarmflow-when-ingest').hide();
          // Such a driver asks for its senders itself; what was set here still counts.
          field('pushFrom')
            .closest('.form-row')
            .toggle(field('pushFrom').val() !== '');
        }
        if (!driverOf(current).setsUpPush) form.find('.alarmflow-when-told').hide();
        field('pushFrom').attr('placeholder', t(ingest === false ? 'label.pushFromAny' : 'label.pushFromPlaceholder'));
        field('host').trigger('change');
      };

      const recorder = form.find('#alarmflow-device-recorder');
      const showTransport = () =>
        form
          .find('.alarmflow-when-record-tls')
          .toggle(field('record').prop('checked') && field('recordTransport').val() === 'tls');
      field('recordTransport').on('change', showTransport);
      /** Whether this machine can record at all is asked when somebody wants it. */
      const showRecording = () => {
        const wanted = field('record').prop('checked');
        form.find('.alarmflow-when-record').toggle(wanted);
        showTransport();
        recorder.empty();
        if (!wanted) return;
        $.getJSON('alarmflow/devices/recorder')
          .done(({ ok, detail }) => {
            if (!ok) recorder.append($('<span class="alarmflow-failed">').text(detail));
          })
          .fail((request) => recorder.append($('<span class="alarmflow-failed">').text(alarmflow.reasonOf(request))));
      };
      field('record').on('change', showRecording);
      showRecording();

      const usualPort = () => {
        const plain = driverOf(current).defaultPort;
        return tls.prop('checked') && dialogOf(current).tls ? (securePorts[plain] ?? plain) : plain;
      };

      /** The port follows driver and TLS as long as it is the usual one. */
      const followPort = (before) => {
        if (port.val() === '' || port.val() === String(before)) port.val(usualPort()).trigger('change');
      };

      const changeDriver = () => {
        if (driver.val() === current) return;
        const before = usualPort();
        typed.set(current, changedIn(box, current));
        current = driver.val();
        showFields();
        showReceive();
        show();
        followPort(before);
        showGuide();
      };

      const showGuide = prepareGuide(form, () => current);
      driver.on('change', changeDriver);
      let secureBefore = tls.prop('checked');
      tls.on('change', () => {
        const now = tls.prop('checked');
        if (now === secureBefore) return;
        tls.prop('checked', secureBefore);
        const before = usualPort();
        tls.prop('checked', now);
        secureBefore = now;
        followPort(before);
        show();
      });
      receive.on('change', show);
      box.on('change', 'select', showWhen);

      const showAll = () => {
        showDrivers();
        showFields();
        showReceive();
        show();
      };
      showAll();
      load()
        .done(() => {
          if (open?.id !== node.id) return;
          typed.set(
            current,
            drivers.has(current) && box.children().length > 0 ? changedIn(box, current) : (typed.get(current) ?? {}),
          );
          showAll();
        })
        .fail((request) => RED.notify(RED.utils.sanitize(alarmflow.reasonOf(request)), 'warning'));

      prepareSearch(form, {
        field,
        choose(kind) {
          driver.val(kind);
          changeDriver();
        },
      });
      prepareRecent(form, node.id);
      const values = () => ({
        id: node.id,
        version: node._def.defaults.version.value,
        ...Object.fromEntries(
          ['name', 'driver', 'host', 'port', 'receive', 'timeZone', 'pushFrom', 'signOfLife', 'user', 'password'].map(
            (name) => [name, field(name).val() ?? ''],
          ),
        ),
        tls: tls.prop('checked'),
        allowSelfSigned: field('allowSelfSigned').prop('checked'),
        options: changedIn(box, current),
        ...unusedBy(dialogOf(current)),
      });
      prepareTest(form, values);
      preparePushSetUp(form, values);
    },

    save(node) {
      const form = $('#node-config-dialog-edit-form');
      const field = (name) => $(`#node-config-input-${name}`);
      const kind = field('driver').val();
      // Before the runtime has told its drivers nothing is known of their settings: they stay as they are.
      if (drivers?.has(kind)) {
        node.options = changedIn(form.find('.alarmflow-driver-fields'), kind);
        const { tls = true, ...unused } = unusedBy(dialogOf(kind));
        if (!tls) field('tls').prop('checked', false);
        for (const [name, value] of Object.entries(unused)) field(name).val(value);
      }
      open = null;
    },

    leave() {
      open = null;
    },
  };
})();
