/* The operands of a combination: the triggers that are wired to it, and topics of plain messages, in their order. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST = 20;
  const LONGEST_TOPIC = 512;
  /** Nodes on the way from the triggers; more than any flow has. */
  const MOST_PASSED = 1000;
  const t = (key, values) => RED._(`alarmflow/alarmflow-combination:operands.${key}`, values);
  const refusal = (options, text) => `${options?.label ?? ''}: ${text}`.replace(/^: /, '');

  const makesAlarms = (node) =>
    node._def?.category === 'alarmflow triggers' ||
    node.type === 'alarmflow-linkage' ||
    node.type === 'alarmflow-combination';

  const titleOf = (node) => RED.utils.getNodeLabel(node, node.id);

  /** What sends into a node: over wires, and over link nodes of other tabs. */
  function sourcesOf(node) {
    const wired = RED.nodes.filterLinks({ target: node }).map((link) => link.source);
    if (node.type !== 'link in') return wired;
    const linked = (node.links ?? []).map((id) => RED.nodes.node(id)).filter((other) => other?.type === 'link out');
    return [...wired, ...linked];
  }

  /** The nodes whose alarms can reach this one, in the order in which they stand on the canvas. */
  function wiredTriggers(node) {
    const passed = new Set([node]);
    const found = new Set();
    const waiting = [node];
    while (waiting.length > 0 && passed.size < MOST_PASSED) {
      for (const source of sourcesOf(waiting.shift())) {
        if (passed.has(source)) continue;
        passed.add(source);
        if (makesAlarms(source)) found.add(source);
        else waiting.push(source);
      }
    }
    return [...found].sort((a, b) => a.y - b.y || a.x - b.x);
  }

  alarmflow.wiredTriggers = wiredTriggers;

  const leastOf = (mode) => (mode === 'all' || mode === 'sequence' ? 2 : 1);

  alarmflow.check.operands = () =>
    function validate(value, options) {
      if (value === undefined) return true;
      const operands = Array.isArray(value) ? value : [];
      if (operands.length === 0) return refusal(options, t('none'));
      const ids = operands.map((operand) => String(operand?.id ?? '').trim());
      if (ids.some((id) => id === '' || id.length > LONGEST_TOPIC)) return refusal(options, t('empty'));
      const twice = ids.find((id, at) => ids.indexOf(id) !== at);
      if (twice !== undefined) return refusal(options, t('twice', { id: twice }));
      const gone = operands.find((operand) => operand.kind === 'trigger' && !RED.nodes.node(operand.id));
      if (gone) return refusal(options, t('missing', { id: gone.id }));
      const least = leastOf(this?.mode ?? 'all');
      if (operands.length < least) return refusal(options, t('few', { least }));
      return operands.length <= MOST ? true : refusal(options, t('many', { most: MOST }));
    };

  alarmflow.operandsEditor = (form, node, given) => {
    const wired = wiredTriggers(node);
    const known = Array.isArray(given) ? given : [];
    const missing = wired.filter((trigger) => !known.some((operand) => operand.id === trigger.id));
    const list = form.find('#node-input-operands-list');
    const mode = form.find('#node-input-mode');

    const triggerRow = (row, operand) => {
      const trigger = RED.nodes.node(operand.id);
      const state = !trigger ? 'gone' : wired.includes(trigger) ? '' : t('unwired');
      const icon = trigger ? 'fa-bell-o' : 'fa-exclamation-triangle';
      row
        .toggleClass('alarmflow-gone', state !== '')
        .append($('<i>').addClass(`fa ${icon}`))
        .append(
          $('<span class="alarmflow-row-title">').text(trigger ? titleOf(trigger) : t('gone', { id: operand.id })),
        );
      if (trigger && state) row.append($('<span class="alarmflow-unit">').text(state));
    };
    const topicRow = (row, operand) => {
      $('<i class="fa fa-envelope-o">').appendTo(row);
      $('<input type="text" class="alarmflow-row-text" maxlength="512">')
        .attr({ placeholder: t('topic'), 'aria-label': t('topic') })
        .val(operand.id)
        .on('input', (event) => {
          operand.id = event.target.value.trim();
        })
        .appendTo(row);
    };

    list.editableList({
      height: 'auto',
      sortable: true,
      removable: true,
      addButton: t('addTopic'),
      addItem(row, _at, data) {
        const operand = data.kind ? data : Object.assign(data, { kind: 'topic', id: '' });
        row.addClass('alarmflow-row');
        if (operand.kind === 'trigger') triggerRow(row, operand);
        else topicRow(row, operand);
      },
    });
    for (const { kind, id } of known) list.editableList('addItem', { kind, id });
    for (const { id } of missing) list.editableList('addItem', { kind: 'trigger', id });

    const show = () => {
      const chosen = mode.val();
      form.find('.alarmflow-when-timed').toggle(chosen === 'sequence' || chosen === 'count');
      form.find('.alarmflow-when-count').toggle(chosen === 'count');
      form.find('.alarmflow-when-ordered').toggle(chosen === 'sequence');
    };
    mode.on('change', show);
    show();

    return {
      operands: () =>
        list
          .editableList('items')
          .map((_at, item) => {
            const { kind, id } = item.data('data');
            return { kind, id };
          })
          .get(),
    };
  };
})();
