/* Fields that can be filled from what a device offers: <input data-alarmflow-pick="channel" data-many>, or `attach` for
   fields that a dialog makes itself. Typing stays possible. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST_DEVICES = 8;
  const MOST_ITEMS = 300;

  /** Rules of the channels that the dialog names, of all where it names none. */
  const rulesOf = ({ offers }, channels) =>
    offers.rules.filter(({ channel }) => channels.length === 0 || channels.includes(channel));

  /** A number may be that of several rules: each says whose it is. */
  const wordsOf = ({ offers }, { channel, name, type }) => {
    const place = offers.channels.length > 1 ? alarmflow.text('pick.channel', { channel }) : '';
    return [name, type, place].filter(Boolean).join(' · ');
  };

  /** What a device offers for each kind of field: value, and words beside it. */
  const kinds = {
    channel: ({ offers }) => offers.channels.map(({ channel, name }) => [channel, name]),
    input: ({ offers }) => offers.inputs.map(({ input, name }) => [input, name]),
    output: ({ offers }) => offers.outputs.map(({ output, name }) => [output, name]),
    preset: ({ offers }, channels) =>
      offers.presets
        .filter((one) => channels.length === 0 || channels.includes(one.channel))
        .map(({ preset, name }) => [preset, name]),
    rule: (choices, channels) => rulesOf(choices, channels).map((one) => [one.rule, wordsOf(choices, one)]),
    region: (choices, channels) =>
      rulesOf(choices, channels).map((one) => [one.region ?? one.rule, wordsOf(choices, one)]),
    type: ({ offers, sent }) => [
      ...sent.map((type) => [type, alarmflow.text('pick.sent')]),
      ...offers.eventTypes.map((type) => [type, alarmflow.text('pick.offered')]),
    ],
  };

  const titleOf = (id) => {
    const device = RED.nodes.node(id);
    return device?.name || device?.host || id;
  };

  /** The devices that the dialog speaks of: the chosen one, the checked ones, or all where none is checked. */
  function devicesOf(form, input) {
    const field = input.attr('data-alarmflow-pick-device');
    if (field) return [form.find(`#node-input-${field}`).val()].filter((id) => id && id !== '_ADD_');
    const boxes = form.find('.alarmflow-device-list input');
    const checked = boxes.filter(':checked');
    return (checked.length > 0 ? checked : boxes).map((_at, box) => box.value).get();
  }

  const listOf = (text) =>
    String(text)
      .split(/[,;\n]/)
      .map((entry) => entry.trim())
      .filter(Boolean);

  function take(input, value) {
    const text = String(value);
    if (!input.is('[data-many]')) input.val(text);
    else {
      const listed = listOf(input.val());
      const without = listed.filter((entry) => entry !== text);
      input.val((without.length < listed.length ? without : [...listed, text]).join(', '));
    }
    input.trigger('change');
  }

  /** What each value stands for; the same words are said once. */
  function gathered(items) {
    const words = new Map();
    for (const [value, text] of items.slice(0, MOST_ITEMS)) {
      const known = words.get(String(value)) ?? new Set();
      if (text) known.add(text);
      words.set(String(value), known);
    }
    return words;
  }

  function addItems(panel, input, title, items) {
    if (title) $('<div class="alarmflow-pick-device">').text(title).appendTo(panel);
    const values = gathered(items);
    for (const [value, words] of values) {
      $('<button type="button" class="alarmflow-pick">')
        .attr('data-value', value)
        .append($('<b>').text(value))
        .append($('<span class="alarmflow-unit">').text([...words].join(', ')))
        .on('click', () => {
          take(input, value);
          mark(panel, input);
          if (!input.is('[data-many]')) panel.trigger('picked');
        })
        .appendTo(panel);
    }
    return values.size;
  }

  const mark = (panel, input) => {
    const chosen = new Set(input.is('[data-many]') ? listOf(input.val()) : [String(input.val()).trim()]);
    panel.find('.alarmflow-pick').each((_at, element) => {
      $(element).attr('aria-pressed', chosen.has(element.dataset.value));
    });
  };

  const note = (panel, text) => $('<div class="alarmflow-unit">').text(text).appendTo(panel);

  const channelsIn = (form) => listOf(form.find('#node-input-channel').val() ?? '').map(Number);

  async function fill(panel, { input, kind, devices, channels }) {
    const ids = devices().slice(0, MOST_DEVICES);
    if (ids.length === 0) return note(panel.empty(), alarmflow.text('pick.noDevice'));
    const answers = await Promise.all(
      ids.map(
        (id) =>
          new Promise((done) => {
            $.getJSON(`alarmflow/devices/${encodeURIComponent(id)}/offers`)
              .done((answer) =>
                done({ id, items: kinds[kind](answer, kind === 'channel' ? [] : channels()), problem: answer.problem }),
              )
              .fail((request) => done({ id, items: [], problem: alarmflow.reasonOf(request) }));
          }),
      ),
    );
    panel.empty();
    let count = 0;
    for (const { id, items, problem } of answers) {
      count += addItems(panel, input, ids.length > 1 && items.length > 0 ? titleOf(id) : '', items);
      if (problem) note(panel, `${titleOf(id)}: ${problem}`);
    }
    if (count === 0) note(panel, alarmflow.text('pick.nothing'));
    mark(panel, input);
    return undefined;
  }

  /**
   * Puts a button beside a field that opens what there is to choose from.
   *
   * @param row where the list goes
   * @param kind one of `kinds`
   * @param devices ids of the devices to ask
   * @param channels those that the dialog speaks of; none: all
   */
  function attach({ input, row, kind, devices, channels = () => [] }) {
    const words = alarmflow.text('pick.choose');
    const button = $(
      '<button type="button" class="red-ui-button alarmflow-pick-button" aria-expanded="false"><i class="fa fa-list-ul"></i></button>',
    )
      .attr({ title: words, 'aria-label': words })
      .insertAfter(input);
    const close = () => {
      row.find('.alarmflow-pick-panel').remove();
      button.attr('aria-expanded', 'false');
    };
    button.on('click', () => {
      if (button.attr('aria-expanded') === 'true') return close();
      const panel = $('<div class="alarmflow-pick-panel" role="group">').attr('aria-label', words).appendTo(row);
      button.attr('aria-expanded', 'true');
      panel.on('picked', () => {
        close();
        input.trigger('focus');
      });
      row.off('keydown.pick').on('keydown.pick', (event) => {
        if (event.key !== 'Escape' || button.attr('aria-expanded') !== 'true') return;
        event.stopPropagation();
        close();
        button.trigger('focus');
      });
      note(panel, alarmflow.text('pick.asking'));
      return fill(panel, { input, kind, devices, channels });
    });
  }

  alarmflow.pickLists = {
    attach,
    prepare(form) {
      form.find('[data-alarmflow-pick]').each((_at, element) => {
        const input = $(element);
        attach({
          input,
          row: input.closest('.form-row'),
          kind: input.attr('data-alarmflow-pick'),
          devices: () => devicesOf(form, input),
          channels: () => channelsIn(form),
        });
      });
    },
  };
})();
