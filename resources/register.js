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

  /** A number may be a variable (${PORT}): a field for numbers would show it as empty, and save it so. */
  function showVariables(node, definition) {
    for (const field of Object.keys(definition.defaults)) {
      if (!/^\$\{[^}]+\}$/.test(node[field])) continue;
      const input = $(`#${prefixOf(definition)}-${field}`);
      if (input.attr('type') === 'number') input.attr('type', 'text').addClass('alarmflow-variable').val(node[field]);
    }
  }

  /** Ports, channels and the like take any number that there is. */
  const ANY_NUMBER = 65535;

  /** What a number may be stands beside its field: nobody should have to find out by being refused. */
  function showRanges(definition) {
    // The editor puts the texts in after this.
    const wordsOf = (unit) => {
      const key = unit.attr('data-i18n') ?? '';
      return key.includes(':') ? RED._(key) : key && definition._(key);
    };
    formOf(definition)
      .find('input[type=number][min][max]')
      .each((_index, element) => {
        const input = $(element);
        const [min, max] = [input.attr('min'), input.attr('max')];
        const range = `${min}–${max}`;
        if (!input.attr('title')) input.attr('title', range);
        // Of two fields in one row each has its tooltip.
        const isAlone = input.closest('.form-row').find('input[type=number]').length === 1;
        if (!isAlone || Number(max) === ANY_NUMBER || Number(max) === ANY_NUMBER + 1) return;
        const unit = input.next('.alarmflow-unit');
        const words = unit.length > 0 ? wordsOf(unit) : '';
        if (words.includes(max)) return;
        if (unit.length === 0) $('<span class="alarmflow-unit">').text(range).insertAfter(input);
        else unit.attr('data-range', ` · ${range}`);
      });
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
      showVariables(this, definition);
      showNone(definition);
      alarmflow.references.showGone(this, definition, prefixOf(definition));
      showChoices(this, definition);
      alarmflow.devices.prepare(this, definition, formOf(definition));
      alarmflow.gates.prepare(formOf(definition));
      alarmflow.pickLists.prepare(formOf(definition));
      showRanges(definition);
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
    alarmflow.references.follow(definition);
    RED.nodes.registerType(type, definition);
    alarmflow.references.trackLists(definition);
  };
})();
