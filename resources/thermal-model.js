/* Temperature rules as the dialog has them: checks and units; pure, so that it is tested without a browser. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;

  /** A new rule: the worked example of the thermographic camera's manual, in °C. */
  const fresh = {
    kind: 'threshold',
    measure: 'maximum',
    place: 'any',
    names: '',
    direction: 'above',
    preAlarm: 50,
    alarm: 55,
    tolerance: 3,
    maximum: 60,
    change: 'increase',
    seconds: 5,
    first: '',
    second: '',
    comparison: 'amount',
    group: '1',
  };

  const placeKinds = ['threshold', 'sudden-change', 'rise', 'section'];
  const kinds = [...placeKinds, 'difference', 'group'];

  /** Which fields a kind has, beside kind, measure, preAlarm, alarm and tolerance. */
  const fieldsOf = {
    threshold: ['place', 'names', 'direction'],
    'sudden-change': ['place', 'names', 'change', 'seconds'],
    rise: ['place', 'names', 'seconds'],
    section: ['place', 'names', 'maximum'],
    difference: ['first', 'second', 'comparison', 'direction'],
    group: ['group', 'names'],
  };

  /** What a kind begins with where it differs from a new rule, in °C. */
  const begins = {
    threshold: { preAlarm: 50, alarm: 55, tolerance: 3 },
    'sudden-change': { preAlarm: '', alarm: 20, tolerance: 0, seconds: 60 },
    rise: { preAlarm: '', alarm: 10, tolerance: 0, seconds: 5 },
    section: { preAlarm: '', alarm: 50, maximum: 60, tolerance: 0 },
    difference: { preAlarm: '', alarm: 10, tolerance: 1 },
    group: { preAlarm: 10, alarm: 15, tolerance: 1 },
  };

  const choices = {
    measure: ['maximum', 'minimum', 'average'],
    place: ['any', 'point', 'line', 'area', 'scene'],
    direction: ['above', 'below'],
    change: ['increase', 'decrease', 'either'],
    comparison: ['amount', 'first-second'],
  };

  const isTemperature = (kind) => kind === 'threshold' || kind === 'section';
  const zero = { celsius: 0, fahrenheit: 32, kelvin: 273.15 };
  const factor = { celsius: 1, fahrenheit: 1.8, kelvin: 1 };
  const rounded = (value) => Math.round(value * 100) / 100;
  const asTemperature = (value, from, to) => rounded(((value - zero[from]) / factor[from]) * factor[to] + zero[to]);
  const asDifference = (value, from, to) => rounded((value / factor[from]) * factor[to]);

  const numberOf = (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : null;
  };

  /** A rule whose numbers were given in one unit, in another: temperatures as such, differences as differences. */
  function converted(rule, from, to) {
    const changed = { ...rule };
    for (const field of ['preAlarm', 'alarm', 'maximum', 'tolerance']) {
      const number = numberOf(rule[field]);
      if (number === null) continue;
      const temperature = field === 'maximum' || (field !== 'tolerance' && isTemperature(rule.kind));
      changed[field] = temperature ? asTemperature(number, from, to) : asDifference(number, from, to);
    }
    return changed;
  }

  /** A rule that became another kind: with the values that such a one begins with, in the unit. */
  const ofKind = (rule, kind, unit) => ({
    ...rule,
    ...converted({ kind, ...begins[kind] }, 'celsius', unit),
  });

  const lengthOk = (text, max) => typeof text === 'string' && text.length <= max;

  /** Name of the first field that is wrong, or null. */
  function wrongField(given, unit, allowed) {
    if (given === null || typeof given !== 'object') return 'kind';
    const rule = { ...fresh, ...given };
    if (!allowed.includes(rule.kind)) return 'kind';
    const used = ['measure', ...fieldsOf[rule.kind]];
    for (const [field, options] of Object.entries(choices))
      if (used.includes(field) && !options.includes(rule[field])) return field;
    if (used.includes('names') && !(Array.isArray(rule.names) || lengthOk(rule.names, 8000))) return 'names';
    for (const field of ['first', 'second', 'group'])
      if (used.includes(field) && (!lengthOk(rule[field], 128) || rule[field].trim() === '')) return field;
    if (rule.kind === 'difference' && rule.first.trim().toLowerCase() === rule.second.trim().toLowerCase())
      return 'second';
    const coldest = asTemperature(-273.15, 'celsius', unit);
    const hottest = asTemperature(5000, 'celsius', unit);
    const inRange = (value) => {
      const number = numberOf(value);
      if (number === null) return false;
      if (isTemperature(rule.kind)) return number >= coldest && number <= hottest;
      const least = { difference: -10000, rise: 0.001 }[rule.kind] ?? 0;
      return number >= least && number <= 10000;
    };
    const none = rule.preAlarm === '' || rule.preAlarm === null;
    if (!none && !inRange(rule.preAlarm)) return 'preAlarm';
    if (!inRange(rule.alarm)) return 'alarm';
    const tolerance = numberOf(rule.tolerance);
    if (tolerance === null || tolerance < 0 || tolerance > 10000) return 'tolerance';
    const below = used.includes('direction') && rule.direction === 'below';
    const [pre, alarm] = [Number(rule.preAlarm), Number(rule.alarm)];
    if (!none && (below ? pre <= alarm : pre >= alarm)) return 'preAlarm';
    if (used.includes('maximum') && (!inRange(rule.maximum) || Number(rule.maximum) < alarm)) return 'maximum';
    const seconds = numberOf(rule.seconds);
    const longest = rule.kind === 'rise' ? 10 : 86400;
    if (used.includes('seconds') && (seconds === null || seconds < 1 || seconds > longest)) return 'seconds';
    return null;
  }

  /** What is wrong with a list of rules, as {rule, field} counted from 0, or null. */
  function wrongRule(rules, unit, allowed) {
    if (!Array.isArray(rules) || rules.length > 64) return { rule: 0, field: 'kind' };
    for (const [at, rule] of rules.entries()) {
      const field = wrongField(rule, unit, allowed);
      if (field) return { rule: at, field };
    }
    return null;
  }

  /** What is wrong with the sensors, as {sensor, field} or {sensor, rule, field}, or null. */
  function wrongSensor(sensors, unit) {
    if (!Array.isArray(sensors) || sensors.length > 256) return { sensor: 0, field: 'id' };
    const ids = new Set();
    const names = new Set();
    for (const [at, sensor] of sensors.entries()) {
      const id = String(sensor?.id ?? '')
        .trim()
        .toLowerCase();
      const name = String(sensor?.name ?? '')
        .trim()
        .toLowerCase();
      if (id === '' || id.length > 128 || ids.has(id)) return { sensor: at, field: 'id' };
      if (name.length > 128 || (name !== '' && names.has(name))) return { sensor: at, field: 'name' };
      ids.add(id);
      names.add(name);
      const wrong = wrongRule(sensor.rules ?? [], unit, placeKinds);
      if (wrong) return { sensor: at, ...wrong };
    }
    return null;
  }

  alarmflow.thermalModel = {
    fresh,
    kinds,
    placeKinds,
    choices,
    fieldsOf,
    isTemperature,
    converted,
    ofKind,
    wrongField,
    wrongRule,
    wrongSensor,
  };
})();
