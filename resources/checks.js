/* Checks of dialog values, shared by all alarmflow nodes. The runtime checks the same again (nodes/shared/fields.ts). */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const text = (key, values) => RED._(`alarmflow/alarmflow-editor:check.${key}`, values);

  const refuse = (options, key, values) => `${options?.label ?? ''}: ${text(key, values)}`.replace(/^: /, '');
  const listOf = (value) =>
    (Array.isArray(value) ? value : String(value ?? '').split(/[,;\n]/))
      .map((entry) => String(entry).trim())
      .filter(Boolean);
  const isMail = (entry) => entry.length <= 254 && /^[^\s@<>,;:"\\()[\]]{1,64}@[^\s@<>,;:"\\()[\]]{1,189}$/.test(entry);
  const isSender = (entry) => isMail(/^[^<>\r\n]{1,120}<([^<>]{1,254})>$/.exec(entry)?.[1].trim() ?? entry);
  const isAddress = (entry) => /^(\d{1,3}\.){3}\d{1,3}$/.test(entry) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(entry);

  /** An address, a network or a name; the runtime knows whether an address of version 6 is one. */
  function isSenderEntry(entry) {
    const [address, bits, ...more] = entry.split('/');
    if (more.length > 0) return false;
    const four = /^(\d{1,3}\.){3}\d{1,3}$/.test(address) && address.split('.').every((byte) => Number(byte) <= 255);
    const six = address.includes(':') && isAddress(address.replace(/%[\w.-]+$/, ''));
    if (bits !== undefined) return (four || six) && /^\d{1,3}$/.test(bits) && Number(bits) <= (four ? 32 : 128);
    return (
      four ||
      six ||
      (entry.length <= 253 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(entry) && !/^[\d.]+$/.test(entry))
    );
  }

  const filledIn = (value) => String(value ?? '').trim() !== '';
  const placeKnown = (node) => filledIn(node?.latitude) && filledIn(node?.longitude);

  // A field that a flow file leaves out has the dialog's default at run time.
  const unlessAbsent = (check) =>
    function validate(value, options) {
      return value === undefined ? true : check.call(this, value, options);
    };

  alarmflow.check = {
    number: (min, max, { optional = false, integer = false } = {}) =>
      unlessAbsent((value, options) => {
        if (optional && (value === '' || value === null)) return true;
        const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
        const right = typeof number === 'number' && Number.isFinite(number) && number >= min && number <= max;
        if (right && (!integer || Number.isInteger(number))) return true;
        return refuse(options, integer ? 'integer' : 'number', { min, max });
      }),
    filled: (max) =>
      unlessAbsent((value, options) => {
        const length = String(value ?? '').trim().length;
        return length > 0 && length <= max ? true : refuse(options, length === 0 ? 'filled' : 'length', { max });
      }),
    ruleTests: () =>
      unlessAbsent((value, options) => {
        const fault = alarmflow.ruleTests.fault(value);
        return fault === null ? true : refuse(options, fault === 'json' ? 'json' : 'ruleTests');
      }),
    length: (max) =>
      unlessAbsent((value, options) => (String(value ?? '').length <= max ? true : refuse(options, 'length', { max }))),
    host: () =>
      unlessAbsent((value, options) => {
        const host = String(value ?? '').trim();
        if (host === '') return refuse(options, 'filled');
        if (isAddress(host.replace(/^\[(.*)\]$/, '$1'))) return true;
        return host.length <= 253 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(host)
          ? true
          : refuse(options, 'host');
      }),
    channels: () =>
      unlessAbsent((value, options) =>
        listOf(value).every((entry) => /^\d+$/.test(entry) && Number(entry) >= 1 && Number(entry) <= 65535)
          ? true
          : refuse(options, 'channels'),
      ),
    offsets: () =>
      unlessAbsent((value, options) => {
        const entries = listOf(value);
        const right = (entry) => /^[-−]?\d+(\.\d+)?$/.test(entry) && Math.abs(Number(entry.replace('−', '-'))) <= 60;
        return entries.length > 0 && entries.length <= 10 && entries.every(right) ? true : refuse(options, 'offsets');
      }),
    addresses: () =>
      unlessAbsent((value, options) => (listOf(value).every(isAddress) ? true : refuse(options, 'addresses'))),
    senders: () =>
      unlessAbsent((value, options) => (listOf(value).every(isSenderEntry) ? true : refuse(options, 'senders'))),
    mail: () => unlessAbsent((value, options) => (isSender(String(value).trim()) ? true : refuse(options, 'mail'))),
    mails: () =>
      unlessAbsent((value, options) => {
        const entries = listOf(value);
        if (entries.length === 0) return refuse(options, 'filled');
        return entries.length <= 50 && entries.every(isMail) ? true : refuse(options, 'mails');
      }),
    healthEvery: () =>
      unlessAbsent((value, options) => {
        const minutes = Number(String(value).trim() || Number.NaN);
        const right = minutes === 0 || (Number.isInteger(minutes) && minutes >= 30 && minutes <= 1440);
        return right ? true : refuse(options, 'healthEvery');
      }),
    some: () =>
      unlessAbsent((value, options) => (Array.isArray(value) && value.length > 0 ? true : refuse(options, 'some'))),
    // Which names are known is the runtime's to say; `alone`: no type is any type, whichever devices are checked.
    eventTypes: ({ alone }) =>
      unlessAbsent(function validate(value, options) {
        const names = listOf(value);
        if (names.length === 0)
          return alone || listOf(alarmflow.devices.of(this)).length > 0 ? true : refuse(options, 'typesOrDevices');
        return names.every((name) => /^(vendor:\S.{0,191}|[a-z]+(-[a-z]+)*)$/i.test(name))
          ? true
          : refuse(options, 'types');
      }),
    oneOf: (...choices) =>
      unlessAbsent((value, options) => (choices.includes(value) ? true : refuse(options, 'choice'))),
    devices: (needed = false) =>
      unlessAbsent((value, options) => {
        if (needed && listOf(value).length === 0) return refuse(options, 'some');
        const gone = listOf(value).filter((id) => RED.nodes.node(id)?.type !== 'alarmflow-device');
        return gone.length === 0 ? true : refuse(options, 'gone', { ids: gone.join(', ') });
      }),
    matches: (pattern, key) =>
      unlessAbsent((value, options) =>
        pattern.test(
          String(value ?? '')
            .trim()
            .slice(0, 1000),
        )
          ? true
          : refuse(options, key),
      ),
    /** A web address, without login or fragment. */
    httpUrl: () => alarmflow.check.matches(/^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/i, 'httpUrl'),
    /** An authority's or one's own certificate as PEM, or nothing. */
    pem: () => alarmflow.check.matches(/^$|^-----BEGIN CERTIFICATE-----/, 'pem'),
    /** SHA-256 of a certificate, as it or `openssl x509 -fingerprint` writes it, or nothing. */
    fingerprint: () =>
      alarmflow.check.matches(/^$|(?:^|[\s=])(?:(?:[0-9a-f]{2}:){31}[0-9a-f]{2}|[0-9a-f]{64})\s*$/i, 'certificate'),
    week: () =>
      unlessAbsent(function validate(value, options) {
        if (!alarmflow.weekModel.isWeek(value)) return refuse(options, 'week');
        return placeKnown(this) || !alarmflow.weekModel.usesSun(Object.values(value)) ? true : refuse(options, 'place');
      }),
    specialDays: (yearly) =>
      unlessAbsent(function validate(value, options) {
        if (!alarmflow.weekDates.areSpecial(value, yearly)) return refuse(options, 'specialDays');
        const lists = value.map(({ periods }) => periods);
        return placeKnown(this) || !alarmflow.weekModel.usesSun(lists) ? true : refuse(options, 'place');
      }),
  };
})();
