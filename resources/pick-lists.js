/* Fields that can be filled from what a device offers: <input data-alarmflow-pick="channel" data-many>, or `attach` for
   fields that a dialog makes itself. Typing stays possible. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const MOST_DEVICES = 8;
  const MOST_ITEMS = 300;

  /** Rules of the channels that the dialog names, of all where it names none, and of the types that it is about. */
  const rulesOf = ({ offers }, { channels, types }) =>
    offers.rules.filter(
      ({ channel, type }) =>
        (channels.length === 0 || channels.includes(channel)) && (types.length === 0 || types.includes(type)),
    );

  /** Many rules may have one number: each says whose it is. */
  const ruleItem = ({ offers }, value, { channel, name, type }) => [
    value,
    [name === value ? '' : name, type].filter(Boolean).join(' · '),
    offers.channels.length > 1 ? channel : null,
  ];

  const switchesOf =
    (kind) =>
    ({ offers }) =>
      offers.switches.filter((one) => one.kind === kind).map(({ name, title }) => [name, title]);

  /** What a device offers for each kind of field: value, words beside it, and the channel where that says more. */
  const kinds = {
    channel: ({ offers }) => offers.channels.map(({ channel, name }) => [channel, name]),
    input: ({ offers }) => offers.inputs.map(({ input, name }) => [input, name]),
    output: ({ offers }) => offers.outputs.map(({ output, name }) => [output, name]),
    preset: ({ offers }, { channels }) =>
      offers.presets
        .filter((one) => channels.length === 0 || channels.includes(one.channel))
        .map(({ preset, name }) => [preset, name]),
    siren: switchesOf('siren'),
    light: switchesOf('light'),
    record: switchesOf('record'),
    line: switchesOf('line'),
    rule: (choices, about) => rulesOf(choices, about).map((one) => ruleItem(choices, one.rule, one)),
    region: (choices, about) => rulesOf(choices, about).map((one) => ruleItem(choices, one.region ?? one.rule, one)),
    sender: ({ senders = [] }) => senders.map((sender) => [sender, alarmflow.text('pick.sender')]),
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

  /** What each value stands for; the same words are said once, with all their channels. */
  function gathered(items) {
    const values = new Map();
    for (const [value, text, channel = null] of items.slice(0, MOST_ITEMS)) {
      const words = values.get(String(value)) ?? new Map();
      const channels = words.get(text) ?? [];
      if (channel !== null) channels.push(channel);
      values.set(String(value), words.set(text, channels));
    }
    return values;
  }

  const inWords = (words) =>
    [...words]
      .map(([text, channels]) =>
        [text, channels.length > 0 ? alarmflow.text('pick.channel', { channel: channels.join(', ') }) : '']
          .filter(Boolean)
          .join(' · '),
      )
      .join('; ');

  function addItems(panel, input, title, items) {
    if (title) $('<div class="alarmflow-pick-device">').text(title).appendTo(panel);
    const values = gathered(items);
    for (const [value, words] of values) {
      $('<button type="button" class="alarmflow-pick">')
        .attr('data-value', value)
        .append($('<b>').text(value))
        .append($('<span class="alarmflow-unit">').text(inWords(words)))
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

  /** What the dialog is about: the channels that it names, the types that its trigger hears; none: all. */
  const aboutOf = (form, kind) => ({
    channels: kind === 'channel' ? [] : listOf(form.find('#node-input-channel').val() ?? '').map(Number),
    types: (form.find('.alarmflow-choices[data-field="types"]').attr('data-options') ?? '')
      .split(/\s+/)
      .filter(Boolean),
  });

  async function fill(panel, { input, kind, devices, about }) {
    const ids = devices().slice(0, MOST_DEVICES);
    if (ids.length === 0) return note(panel.empty(), alarmflow.text('pick.noDevice'));
    const answers = await Promise.all(
      ids.map(
        (id) =>
          new Promise((done) => {
            $.getJSON(`alarmflow/devices/${encodeURIComponent(id)}/offers`)
              .done((answer) => done({ id, items: kinds[kind](answer, about()), problem: answer.problem }))
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
   * @param about what the dialog is about, as `aboutOf` tells it
   */
  function attach({ input, row, kind, devices, about = () => ({ channels: [], types: [] }) }) {
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
      return fill(panel, { input, kind, devices, about });
    });
  }

  alarmflow.pickLists = {
    attach,
    prepare(form) {
      form.find('[data-alarmflow-pick]').each((_at, element) => {
        const input = $(element);
        const kind = input.attr('data-alarmflow-pick');
        attach({
          input,
          row: input.closest('.form-row'),
          kind,
          devices: () => devicesOf(form, input),
          about: () => aboutOf(form, kind),
        });
      });
    },
  };
})();
