/* The gates section that triggers and the linkage node share: its defaults, labels and behaviour. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const DAY = 86400;
  const LONGEST_REMINDER = 1800;

  /** Nothing is held back without an interval. */
  function prepareInterval(form) {
    const interval = form.find('#node-input-interval');
    const show = () => form.find('.alarmflow-when-interval').toggle(Number(interval.val()) !== 0);
    interval.on('input change', show);
    show();
  }

  alarmflow.gates = {
    labels: {
      devices: 'devices.label',
      dryRun: 'test.dryRun',
      alarmPer: 'gates.alarmPer',
      enabled: 'gates.enabled',
      hold: 'hold.hold',
      onTime: 'hold.onTime',
      postAlarm: 'hold.postAlarm',
      untilCleared: 'hold.untilCleared',
      cap: 'hold.cap',
      priority: 'hold.priority',
      schedule: 'gates.schedule',
      area: 'gates.area',
      armingMode: 'gates.armingMode',
      entryRoute: 'gates.entryRoute',
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
      remindMode: 'gates.remindMode',
      remindEvery: 'gates.remindEvery',
      remindMost: 'gates.remindMost',
      floodMode: 'gates.floodMode',
      phases: 'phases.label',
      interval: 'interval.label',
      intervalTell: 'interval.tell',
    },

    defaults: ({ quietMode = 'driver' } = {}) => {
      const { check } = alarmflow;
      return {
        enabled: { value: true },
        schedule: { value: '', type: 'alarmflow-schedule', required: false },
        area: { value: '', type: 'alarmflow-area', required: false },
        armingMode: { value: 'follow', validate: check.oneOf('follow', 'always') },
        entryRoute: { value: 'none', validate: check.oneOf('none', 'starts', 'follows') },
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
        remindMode: { value: 'none', validate: check.oneOf('none', 'acknowledged', 'cleared') },
        remindEvery: { value: 10, validate: check.number(1, LONGEST_REMINDER) },
        remindMost: { value: 0, validate: check.number(0, 1000, { integer: true }) },
        floodMode: { value: 'area', validate: check.oneOf('area', 'control', 'exempt') },
      };
    },

    /** Defaults of a device trigger: name, devices, gates. */
    triggerDefaults: (own, { needsDevice = false, driver = null } = {}) => ({
      name: { value: '', validate: alarmflow.check.length(200) },
      devices: {
        value: [],
        type: 'alarmflow-device[]',
        validate: alarmflow.check.devices(needsDevice),
        // What the list of devices says and shows: whether one must be checked, and those of which driver there are.
        needed: needsDevice,
        driver,
      },
      ...own,
      alarmPer: { value: 'condition', validate: alarmflow.check.oneOf('condition', 'rule', 'target', 'object') },
      ...alarmflow.gates.defaults(),
    }),

    prepare(form) {
      prepareInterval(form);
      const raise = form.find('#node-input-raiseMode');
      if (raise.length === 0) return;
      const quiet = form.find('#node-input-quietMode');
      const schedule = form.find('#node-input-schedule');
      const remind = form.find('#node-input-remindMode');
      const show = () => {
        form.find('.alarmflow-when-hold').toggle(raise.val() === 'hold');
        form.find('.alarmflow-when-repeat').toggle(raise.val() === 'repeat');
        form.find('.alarmflow-when-quiet').toggle(quiet.val() === 'after');
        const scheduled = Boolean(schedule.val()) && schedule.val() !== '_ADD_';
        form.find('.alarmflow-when-scheduled').toggle(scheduled);
        form.find('.alarmflow-when-reminded').toggle(remind.val() !== 'none');
      };
      raise.add(quiet).add(schedule).add(remind).on('change', show);
      show();
      // What somebody set is never out of sight.
      const usual = alarmflow.gates.defaults();
      const set = [...form.find('.alarmflow-more select')].some(
        (select) => select.value !== usual[select.id.replace('node-input-', '')].value,
      );
      form.find('.alarmflow-more').prop('open', set);
    },
  };
})();
