/* The targets of a node that holds outputs: one row each, a siren, a light or a camera with its move. Also the hold
   section (<div data-alarmflow-part="hold"></div>) that these nodes share. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST = 64;
  const CONSOLE = 'local-console';
  const PLAYER = 'local-player';
  const t = (key, values) => alarmflow.text(`targets.${key}`, values);
  const refusal = (options, text) => `${options?.label ?? ''}: ${text}`.replace(/^: /, '');

  const moves = ['preset', 'tour', 'pattern', 'scan', 'pan', 'aux', 'home'];
  const numbered = (move) => move !== 'pan' && move !== 'home';
  const backs = [
    ['stay', 'backStay'],
    ['preset', 'backPreset'],
    ['home', 'backHome'],
    ['stop', 'backStop'],
  ];

  const isNumber = (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return Number.isInteger(number) && number >= 1 && number <= 65535;
  };
  const isLocal = (id) => id === CONSOLE || id === PLAYER;

  /** What makes two rows the same target. */
  const identity = (row, kind) => {
    if (kind === 'camera') return [row.device, row.channel ?? 1].join(' ');
    if (kind !== 'ptz')
      return [row.device, isLocal(row.device) ? '' : String(row.output ?? '').trim() || '1'].join(' ');
    return [row.device, row.channel ?? 1, row.move === 'aux' ? row.number : ''].join(' ');
  };

  function fault(rows, kind) {
    if (!Array.isArray(rows)) return t('none');
    // Further cameras beside the first: there may be none.
    if (rows.length === 0) return kind === 'camera' ? null : t('none');
    if (rows.length > MOST) return t('many', { most: MOST });
    const nameless = rows.findIndex((row) => !row?.device);
    if (nameless >= 0) return t('noDevice', { number: nameless + 1 });
    const gone = rows.findIndex(
      ({ device }) => !isLocal(device) && RED.nodes.node(device)?.type !== 'alarmflow-device',
    );
    if (gone >= 0) return t('goneAt', { number: gone + 1 });
    if (kind === 'camera') {
      const wrong = rows.findIndex(({ channel = 1 }) => !isNumber(channel));
      if (wrong >= 0) return t('whole', { number: wrong + 1 });
    }
    if (kind === 'ptz') {
      const wrong = rows.findIndex(
        ({ channel = 1, move = 'preset', number, back, backNumber }) =>
          !isNumber(channel) || (numbered(move) && !isNumber(number)) || (back === 'preset' && !isNumber(backNumber)),
      );
      if (wrong >= 0) return t('whole', { number: wrong + 1 });
    }
    const names = rows.map((row) => identity(row, kind));
    const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
    return twice < 0 ? null : t('twice', { number: twice + 1 });
  }

  /** @param kind `siren`, `light`, `ptz` or `camera` */
  alarmflow.check.targets = (kind) =>
    function validate(value, options) {
      if (value === undefined) return true;
      const found = fault(value, kind);
      return found === null ? true : refusal(options, found);
    };

  const titleOf = (device) => device.name || device.host || device.id;

  function deviceSelect(chosen, local) {
    const select = $('<select class="alarmflow-target-choice alarmflow-target-device">').attr(
      'aria-label',
      t('device'),
    );
    const add = (value, text) => $('<option>').val(value).text(text).appendTo(select);
    add('', t('choose'));
    if (local) {
      add(CONSOLE, t('console'));
      add(PLAYER, t('player'));
    }
    const devices = [];
    RED.nodes.eachConfig((config) => {
      if (config.type === 'alarmflow-device') devices.push(config);
    });
    for (const device of devices.sort((a, b) => titleOf(a).localeCompare(titleOf(b)))) add(device.id, titleOf(device));
    const known = chosen === '' || (local && isLocal(chosen)) || devices.some(({ id }) => id === chosen);
    if (!known) add(chosen, t('gone', { id: chosen }));
    return select.val(chosen);
  }

  const numberInput = (row, field, label, standard) =>
    $('<input type="number" class="alarmflow-row-number" min="1" max="65535" step="1">')
      .attr({ 'aria-label': t(label), title: t(label) })
      .val(row[field] ?? standard)
      .on('input change', (event) => {
        row[field] = event.target.value.trim() === '' ? '' : Number(event.target.value);
        $(event.target).toggleClass('input-error', !isNumber(row[field]));
      });

  const choice = (row, field, label, options) => {
    const select = $('<select class="alarmflow-target-choice">').attr('aria-label', t(label));
    for (const [value, text] of options) $('<option>').val(value).text(t(text)).appendTo(select);
    return select.val(row[field]).on('change', () => {
      row[field] = select.val();
    });
  };

  const devicesOf = (row) => () => [row.device].filter((id) => id && !isLocal(id));

  function switchCells(line, row, kind, device) {
    const name = $('<input type="text" class="alarmflow-row-text" maxlength="64">')
      .attr({ 'aria-label': t(kind), placeholder: t(`${kind}Hint`) })
      .val(row.output ?? '')
      .on('input change', (event) => {
        row.output = event.target.value.trim();
      })
      .appendTo(line);
    alarmflow.pickLists.attach({ input: name, row: line, kind, devices: devicesOf(row) });
    const show = () => line.children('.alarmflow-row-text, .alarmflow-pick-button').toggle(!isLocal(row.device));
    device.on('change', show);
    show();
  }

  function channelCell(line, row) {
    row.channel ??= 1;
    $('<span class="alarmflow-unit">').text(t('channelUnit')).appendTo(line);
    const input = numberInput(row, 'channel', 'channel').appendTo(line);
    alarmflow.pickLists.attach({ input, row: line, kind: 'channel', devices: devicesOf(row) });
  }

  function cameraCells(line, row) {
    row.channel ??= 1;
    row.move ??= 'preset';
    row.number ??= 1;
    row.back ??= 'stay';
    row.backNumber ??= 1;
    const about = () => ({ channels: [Number(row.channel)].filter((channel) => channel >= 1), types: [] });
    const attach = (input, kind) =>
      alarmflow.pickLists.attach({ input, row: line, kind, devices: devicesOf(row), about });

    $('<span class="alarmflow-unit">').text(t('channelUnit')).appendTo(line);
    attach(numberInput(row, 'channel', 'channel').appendTo(line), 'channel');
    $('<span class="alarmflow-row-break">').appendTo(line);
    const move = choice(
      row,
      'move',
      'move',
      moves.map((one) => [one, one]),
    ).appendTo(line);
    const number = $('<span class="alarmflow-target-number">').appendTo(line);
    attach(numberInput(row, 'number', 'number').appendTo(number), 'preset');
    const back = choice(row, 'back', 'back', backs).appendTo(line);
    const backNumber = $('<span class="alarmflow-target-number">').appendTo(line);
    attach(numberInput(row, 'backNumber', 'backNumber').appendTo(backNumber), 'preset');
    const show = () => {
      number.toggle(numbered(row.move));
      number.find('.alarmflow-pick-button').toggle(row.move === 'preset');
      // An auxiliary switch goes off by itself: nothing returns.
      back.toggle(row.move !== 'aux');
      backNumber.toggle(row.move !== 'aux' && row.back === 'preset');
    };
    move.on('change', show);
    back.on('change', show);
    show();
  }

  /**
   * @param kind `siren`, `light`, `ptz` or `camera`
   * @param given the stored rows
   */
  alarmflow.targetsEditor = (form, given, { kind, local = false }) => {
    const list = form.find('#node-input-targets-list');
    list.editableList({
      height: 'auto',
      sortable: true,
      removable: true,
      addButton: t('add'),
      addItem(line, _at, data) {
        data.row ??= { device: '' };
        const { row } = data;
        line.addClass('alarmflow-row alarmflow-target');
        const device = deviceSelect(row.device, local)
          .on('change', () => {
            row.device = device.val();
          })
          .appendTo(line);
        if (kind === 'camera') channelCell(line, row);
        else if (kind === 'ptz') cameraCells(line, row);
        else switchCells(line, row, kind, device);
      },
    });
    for (const row of Array.isArray(given) ? given : []) list.editableList('addItem', { row: { ...row } });
    const rows = () =>
      list
        .editableList('items')
        .map((_at, item) => item.data('data').row)
        .get();
    return {
      targets: rows,
      /** For the editor, which counts who uses a device. */
      devices: () => [...new Set(rows().map(({ device }) => device))].filter((id) => id && !isLocal(id)),
    };
  };

  /** Shows of the hold section what the chosen hold needs. */
  alarmflow.holdSection = (form) => {
    const hold = form.find('#node-input-hold');
    const byHand = form.find('#node-input-untilCleared');
    const show = () => {
      const afterClear = hold.val() === 'after-clear';
      form.find('.alarmflow-when-after-clear').toggle(afterClear);
      form.find('.alarmflow-when-timed').toggle(!afterClear);
      form.find('#node-input-postAlarm').prop('disabled', byHand.prop('checked'));
    };
    hold.on('change', show);
    byHand.on('change', show);
    show();
  };

  /** Fields of the hold section and the priority for a node's `defaults`; a relay has no priority, for it is on or off. */
  alarmflow.holdDefaults = (standards = {}) => ({
    hold: { value: 'after-clear', validate: alarmflow.check.oneOf('after-clear', 'fixed', 'extended') },
    onTime: { value: 10, validate: alarmflow.check.number(0, 86400) },
    postAlarm: { value: standards.postAlarm ?? 10, validate: alarmflow.check.number(0, 86400) },
    untilCleared: { value: false },
    cap: { value: '', validate: alarmflow.check.number(1, 86400, { optional: true }) },
    ...(standards.priority === false
      ? {}
      : { priority: { value: 50, validate: alarmflow.check.number(0, 100, { integer: true }) } }),
    dryRun: { value: false },
  });

  /** Dialog of a node with targets and a hold: its editor's functions for `register`. */
  alarmflow.heldDialog = (options) => ({
    oneditprepare() {
      const form = $('#dialog-form');
      this.alarmflowTargets = alarmflow.targetsEditor(form, this.targets ?? this._def.defaults.targets.value, options);
      alarmflow.holdSection(form);
    },
    formValues() {
      return { targets: this.alarmflowTargets?.targets() ?? this.targets };
    },
    oneditsave() {
      this.targets = this.alarmflowTargets.targets();
      this.devices = this.alarmflowTargets.devices();
      delete this.alarmflowTargets;
    },
    oneditcancel() {
      delete this.alarmflowTargets;
    },
  });
})();
