/* The device list of triggers: none checked means any device. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  let onAdded = null;
  /** The node whose dialog is open, and its list. */
  let open = null;

  const titleOf = (device) => device.name || device.host || device.id;

  function render(box, chosen) {
    const devices = [];
    const driver = box.attr('data-driver');
    RED.nodes.eachConfig((config) => {
      const fits = !driver || config.driver === driver || chosen.includes(config.id);
      if (config.type === 'alarmflow-device' && fits) devices.push(config);
    });
    devices.sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
    const list = box.find('.alarmflow-device-list').empty();
    const add = (id, title, state) =>
      $('<label class="alarmflow-choice">')
        .toggleClass('alarmflow-gone', state === 'gone')
        .append($('<input type="checkbox">').val(id).prop('checked', chosen.includes(id)))
        .append($('<span>').text(title))
        .appendTo(list);
    for (const device of devices) add(device.id, titleOf(device));
    for (const id of chosen.filter((id) => !devices.some((device) => device.id === id)))
      add(id, alarmflow.text('devices.gone', { id }), 'gone');
    showAny(box);
  }

  const chosenIn = (box) =>
    box
      .find('.alarmflow-device-list input:checked')
      .map((_at, input) => input.value)
      .get();

  function showAny(box) {
    const none = box.is('[data-needed]') ? 'devices.needed' : 'devices.any';
    box.find('.alarmflow-device-any').text(alarmflow.text(chosenIn(box).length > 0 ? 'devices.chosen' : none));
  }

  function stopListening() {
    if (onAdded) RED.events.off('nodes:add', onAdded);
    onAdded = null;
    open = null;
  }

  alarmflow.devices = {
    /** Those of a node as its open dialog has them, or as they are stored. */
    of: (node) => (open && open.node === node ? chosenIn(open.box) : (node?.devices ?? [])),
    prepare(node, definition, form) {
      const box = form.find('.alarmflow-devices');
      if (box.length === 0) return;
      stopListening();
      box.html(
        '<div class="alarmflow-device-list" role="group"></div><div class="alarmflow-device-foot"><span class="alarmflow-device-any"></span><button type="button" class="red-ui-button red-ui-button-small"><i class="fa fa-plus"></i> <span></span></button></div>',
      );
      const { needed, driver } = definition.defaults.devices;
      box.attr({ 'data-needed': needed ? '' : null, 'data-driver': driver ?? null });
      box.find('button span').text(alarmflow.text('devices.add'));
      const value = node.devices ?? definition.defaults.devices.value;
      render(box, Array.isArray(value) ? value : [value].filter(Boolean));
      box.on('change', 'input', () => {
        showAny(box);
        // Whether event types may be left out hangs on the devices.
        form.find('#node-input-types').trigger('change');
      });
      open = { node, box };
      onAdded = (added) => {
        // The new device is listed once its own dialog has stored its name.
        if (added.type === 'alarmflow-device') setTimeout(() => render(box, [...chosenIn(box), added.id]), 50);
      };
      RED.events.on('nodes:add', onAdded);
      box.on('click', 'button', () =>
        RED.editor.editConfig('devices', 'alarmflow-device', '_ADD_', 'node-input', node),
      );
    },
    save(node, form) {
      const box = form.find('.alarmflow-devices');
      if (box.length === 0) return;
      node.devices = chosenIn(box);
      stopListening();
    },
    leave(form) {
      if (form.find('.alarmflow-devices').length > 0) stopListening();
    },
  };
})();
