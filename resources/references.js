/* What nodes point at: who uses a config node, what becomes of that when it is deleted, and how a dialog shows it. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;

  const referenceFields = (definition) =>
    Object.entries(definition.defaults)
      .filter(([, property]) => property.type)
      .map(([field, property]) => ({
        field,
        isList: property.type.endsWith('[]'),
        type: property.type.replace('[]', ''),
        optional: property.required === false,
      }));

  /** The editor counts only single references as use of a config node; lists must be counted as well. */
  function trackLists(definition) {
    const lists = referenceFields(definition).filter(({ isList }) => isList);
    if (lists.length === 0) return;
    const types = new Set(lists.map(({ type }) => type));
    const setUse = (node, used) => {
      if (node.type !== definition.type) return;
      const wanted = used ? lists.flatMap(({ field }) => node[field] ?? []) : [];
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
   * Of what points at a config node that is being deleted: what empty would mean something else, "any device" of a
   * trigger or "armed around the clock". The editor empties it and finds all in order.
   */
  function wouldMeanOther(config) {
    const found = [];
    for (const user of config.users)
      for (const { field, isList, type, optional } of referenceFields(user._def)) {
        const value = user[field];
        if (type !== config.type) continue;
        if (isList ? Array.isArray(value) && value.includes(config.id) : optional && value === config.id)
          found.push({ user, field, value });
      }
    return found;
  }

  /** Nodes keep pointing at a config node that is deleted, so that the deploy names them and each dialog asks. */
  function keepWhenDeleted(definition) {
    const { oneditdelete } = definition;
    definition.oneditdelete = function deleted() {
      oneditdelete?.call(this);
      const kept = wouldMeanOther(this);
      // The editor asks `list == id`, which is true for a list of that id alone; undoing would make it a text.
      for (const { value } of kept)
        if (Array.isArray(value)) Object.defineProperty(value, 'toString', { value: () => 'list', configurable: true });
      const restore = (removed) => {
        if (removed.id !== this.id) return;
        RED.events.off('nodes:remove', restore);
        for (const { user, field, value } of kept) {
          user[field] = value;
          user.changed = true;
          user.dirty = true;
          RED.editor.validateNode(user);
        }
      };
      RED.events.on('nodes:remove', restore);
    };
  }

  /** A list without the entry shows nothing, and saving would choose it. */
  function showGone(node, definition, prefix) {
    for (const { field, isList } of referenceFields(definition)) {
      const id = node[field];
      const select = $(`#${prefix}-${field}`);
      if (isList || !id || id === '_ADD_' || !select.is('select') || RED.nodes.node(id)) continue;
      const isListed = [...select[0].options].some(({ value }) => value === id);
      if (!isListed) select.prepend($('<option>').val(id).text(alarmflow.text('devices.gone', { id })));
      select.val(id);
    }
  }

  alarmflow.references = {
    /** To be called when a type is registered. */
    follow(definition) {
      if (definition.category === 'config') keepWhenDeleted(definition);
    },
    trackLists,
    showGone,
  };
})();
