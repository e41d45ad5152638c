/* The gates section that triggers and the linkage node share: its defaults, labels and behaviour. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const DAY = 86400;

  alarmflow.gates = {
    labels: {
      devices: 'devices.label',
      alarmPer: 'gates.alarmPer',
      enabled: 'gates.enabled',
      schedule: 'gates.schedule',
      windowOpen: 'gates.windowOpen',
      windowClose: 'gates.windowClose',
      raiseMode: 'gates.raiseMode',
      filteringTime: 'gates.filteringTime',
      repeatCount: 'gates.repeatCount',
      repeatWithin: 'gates.repeatWithin',
      antiDither: 'gates.antiDither',
      antiDitherMode: 'gates.antiDitherMode',
      offDelay: 'gates.offDelay',
      quietMode: 'gates.quietMode',
      quietTime: 'gates.quietTime',
      lateEvents: 'gates.lateEvents',
      latched: 'gates.latched',
      phases: 'phases.label',
    },

    defaults: ({ quietMode = 'driver' } = {}) => {
      const { check } = alarmflow;
      return {
        enabled: { value: true },
        schedule: { value: '', type: 'alarmflow-schedule', required: false },
        windowOpen: { value: 'raise', validate: check.oneOf('raise', 'ignore') },
        windowClose: { value: 'let-run', validate: check.oneOf('let-run', 'end') },
        raiseMode: { value: 'hold', validate: check.oneOf('hold', 'repeat') },
        filteringTime: { value: 0, validate: check.number(0, DAY) },
        repeatCount: { value: 3, validate: check.number(2, 1000, { integer: true }) },
        repeatWithin: { value: 60, validate: check.number(1, DAY) },
        antiDither: { value: 5, validate: check.number(0, DAY) },
        antiDitherMode: { value: 'fixed', validate: check.oneOf('fixed', 'sliding') },
        offDelay: { value: 0, validate: check.number(0, DAY) },
        quietMode: { value: quietMode, validate: check.oneOf('driver', 'never', 'after') },
        quietTime: { value: 30, validate: check.number(1, DAY) },
        lateEvents: { value: 'record', validate: check.oneOf('record', 'act') },
        latched: { value: false },
      };
    },

    /** Defaults of a device trigger: name, devices, gates. */
    triggerDefaults: (own) => ({
      name: { value: '', validate: alarmflow.check.length(200) },
      devices: { value: [], type: 'alarmflow-device[]', validate: alarmflow.check.devices() },
      ...own,
      alarmPer: { value: 'condition', validate: alarmflow.check.oneOf('condition', 'rule', 'target') },
      ...alarmflow.gates.defaults(),
    }),

    prepare(form) {
      const raise = form.find('#node-input-raiseMode');
      if (raise.length === 0) return;
      const quiet = form.find('#node-input-quietMode');
      const schedule = form.find('#node-input-schedule');
      const show = () => {
        form.find('.alarmflow-when-hold').toggle(raise.val() === 'hold');
        form.find('.alarmflow-when-repeat').toggle(raise.val() === 'repeat');
        form.find('.alarmflow-when-quiet').toggle(quiet.val() === 'after');
        const scheduled = Boolean(schedule.val()) && schedule.val() !== '_ADD_';
        form.find('.alarmflow-when-scheduled').toggle(scheduled);
      };
      raise.add(quiet).add(schedule).on('change', show);
      show();
    },
  };
})();
