/* How alarmflow nodes register in the editor: shared dialog parts, labels, defaults, check boxes, device lists. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const SHARED = 'alarmflow/alarmflow-editor:';

  if (!document.getElementById('alarmflow-editor-css')) {
    const link = document.createElement('link');
    link.id = 'alarmflow-editor-css';
    link.rel = 'stylesheet';
    link.href = `${RED.settings.apiRootUrl}resources/alarmflow/editor.css`;
    document.head.append(link);
  }

  alarmflow.text = (key, values) => RED._(SHARED + key, values);
  alarmflow.colors = { triggers: '#d99a86', logic: '#b3a1d1', actions: '#8fbfa9' };

  /** Puts the shared parts (<div data-alarmflow-part="gates">) into a node's dialog and help. */
  function expandParts(type) {
    for (const kind of ['template', 'help']) {
      const script = document.querySelector(`script[data-${kind}-name="${type}"]`);
      script.textContent = script.textContent.replace(
        /<div data-alarmflow-part="([a-z-]+)"><\/div>/g,
        (_all, part) => document.querySelector(`script[data-alarmflow-part="${part}"]`).textContent,
      );
    }
  }

  /** What all nodes of a category of the palette have in common. */
  const categories = {
    config: {},
    'alarmflow triggers': { color: alarmflow.colors.triggers },
    'alarmflow logic': { color: alarmflow.colors.logic },
    'alarmflow actions': { color: alarmflow.colors.actions, align: 'right', inputs: 1, outputs: 1 },
  };

  /** A definition with what its category and its name say of it; labels of its ports come from its catalogue. */
  function completed(type, own) {
    const definition = { ...categories[own.category], ...own };
    if (own.category === 'config') return definition;
    definition.icon = `${type.replace('alarmflow-', '')}.svg`;
    for (const port of ['input', 'output'])
      if (definition[`${port}s`] > 0)
        definition[`${port}Labels`] ??= function portLabel() {
          return this._(`palette.${port}`);
        };
    return definition;
  }

  /** A config node's dialog lies on top of the dialog that opened it: each must find only its own fields. */
  const formOf = (definition) => $(definition.category === 'config' ? '#node-config-dialog-edit-form' : '#dialog-form');

  const prefixOf = (definition) => (definition.category === 'config' ? 'node-config-input' : 'node-input');

  /** A field that a flow file left out shows its default, as the runtime uses it. */
  function showDefaults(node, definition) {
    for (const [field, property] of Object.entries(definition.defaults)) {
      if (node[field] !== undefined || property.type) continue;
      const input = $(`#${prefixOf(definition)}-${field}`);
      if (input.attr('type') === 'checkbox') input.prop('checked', property.value);
      else if (input.length > 0) input.val(property.value);
    }
  }

  /** Where there is nothing to choose from yet the editor offers to add something, also where none is needed. */
  function showNone(definition) {
    for (const [field, property] of Object.entries(definition.defaults))
      if (property.type && property.required === false)
        $(`#${prefixOf(definition)}-${field} option[value="_ADD_"]`).text(RED._('editor.inputs.none'));
  }

  /** Check boxes for a list: <div class="alarmflow-choices" data-field="types" data-options="a b c"></div> */
  function showChoices(node, definition) {
    formOf(definition)
      .find('.alarmflow-choices')
      .each((_index, element) => {
        const box = $(element).empty().attr('role', 'group');
        const field = box.attr('data-field');
        const chosen = node[field] ?? definition.defaults[field].value;
        for (const option of box.attr('data-options').trim().split(/\s+/)) {
          const shared = box.attr('data-shared');
          const title = shared ? alarmflow.text(`${shared}.${option}`) : definition._(`${field}.${option}`);
          const id = `alarmflow-${field}-${option}`;
          $('<label class="alarmflow-choice">')
            .attr('for', id)
            .append($('<input type="checkbox">').attr({ id, value: option }).prop('checked', chosen.includes(option)))
            .append($('<span>').text(title))
            .appendTo(box);
        }
      });
  }

  function saveChoices(node, definition) {
    formOf(definition)
      .find('.alarmflow-choices')
      .each((_index, element) => {
        const box = $(element);
        node[box.attr('data-field')] = box
          .find('input:checked')
          .map((_at, input) => input.value)
          .get();
      });
  }

  const arrayFields = (definition) =>
    Object.keys(definition.defaults).filter((field) => definition.defaults[field].type?.endsWith('[]'));

  /** The editor counts only single references as use of a config node; lists must be counted as well. */
  function trackLists(definition) {
    const fields = arrayFields(definition);
    if (fields.length === 0) return;
    const types = new Set(fields.map((field) => definition.defaults[field].type.slice(0, -2)));
    const setUse = (node, used) => {
      if (node.type !== definition.type) return;
      const wanted = used ? fields.flatMap((field) => node[field] ?? []) : [];
      RED.nodes.eachConfig((config) => {
        if (!types.has(config.type)) return;
        const at = config.users.indexOf(node);
        const uses = wanted.includes(config.id);
        if (uses && at < 0) config.users.push(node);
        else if (!uses && at >= 0) config.users.splice(at, 1);
      });
    };
    RED.events.on('nodes:add', (node) => setUse(node, true));
    RED.events.on('nodes:change', (node) => setUse(node, true));
    RED.events.on('nodes:remove', (node) => setUse(node, false));
  }

  /**
   * Registers a node type. Beside Node-RED's own, a definition may have `version` (of its configuration);
   * labels come from the node's catalogue: `palette.label`, `palette.input`, `palette.output`, `label.<field>`.
   */
  alarmflow.register = (type, { version, ...given }) => {
    const own = `alarmflow/${type}:`;
    const definition = completed(type, given);
    expandParts(type);
    const labelOf = (field) => {
      const shared = alarmflow.gates.labels[field];
      return (shared ? alarmflow.text(shared) : RED._(`${own}label.${field}`)).replace(/<[^>]*>/g, '');
    };
    for (const [field, property] of Object.entries(definition.defaults))
      if (field !== 'name') property.label ??= labelOf(field);
    definition.defaults.version = { value: version };
    definition.type = type;
    definition.paletteLabel ??= function paletteLabel() {
      return RED._(`${own}palette.label`);
    };
    definition.label ??= function label() {
      return this.name || RED._(`${own}palette.label`);
    };
    definition.labelStyle ??= function labelStyle() {
      return this.name ? 'node_label_italic' : '';
    };

    const { oneditprepare, oneditsave, oneditcancel } = definition;
    definition.oneditprepare = function prepare() {
      showDefaults(this, definition);
      showNone(definition);
      showChoices(this, definition);
      alarmflow.devices.prepare(this, definition, formOf(definition));
      alarmflow.gates.prepare(formOf(definition));
      alarmflow.pickLists.prepare(formOf(definition));
      oneditprepare?.call(this);
      alarmflow.nodeTest.prepare(this, definition, formOf(definition));
    };
    definition.oneditsave = function save() {
      saveChoices(this, definition);
      alarmflow.devices.save(this, formOf(definition));
      alarmflow.nodeTest.leave(formOf(definition));
      this.version = version;
      return oneditsave?.call(this);
    };
    definition.oneditcancel = function cancel() {
      alarmflow.devices.leave(formOf(definition));
      alarmflow.nodeTest.leave(formOf(definition));
      oneditcancel?.call(this);
    };
    RED.nodes.registerType(type, definition);
    trackLists(definition);
  };
})();
