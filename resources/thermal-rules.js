/*
 * The rules of a temperature rule node: a list of rules for all places, and sensors with rules of their own that can be
 * copied to others. Each rule shows only the fields of its kind.
 */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const t = (key, values) => RED._(`alarmflow/alarmflow-temperature-rule:${key}`, values);
  const signs = { celsius: '°C', fahrenheit: '°F', kelvin: 'K' };

  /** What is wrong, in words: rule 2: Alarm. */
  function place(wrong) {
    const parts = [];
    if (wrong.sensor !== undefined) parts.push(t('editor.sensorNumber', { number: wrong.sensor + 1 }));
    if (wrong.rule !== undefined) parts.push(t('editor.ruleNumber', { number: wrong.rule + 1 }));
    parts.push(t(`field.${wrong.field}`));
    return parts.join(', ');
  }

  const refusal = (options, text) => `${options?.label ?? ''}: ${text}`.replace(/^: /, '');
  const unitOf = (node) => (signs[node?.unit] ? node.unit : 'celsius');

  alarmflow.check.thermalRules = () =>
    function validate(value, options) {
      if (value === undefined) return true;
      const { wrongRule, kinds } = alarmflow.thermalModel;
      const wrong = wrongRule(value, unitOf(this), kinds);
      if (wrong) return refusal(options, t('editor.wrong', { place: place(wrong) }));
      // `this` is the node; a check of its own defaults has none.
      const sensors = Array.isArray(this?.sensors) ? this.sensors : [];
      const any = value.length > 0 || sensors.some((sensor) => (sensor?.rules ?? []).length > 0);
      return any ? true : refusal(options, t('editor.none'));
    };

  alarmflow.check.thermalSensors = () =>
    function validate(value, options) {
      if (value === undefined) return true;
      const wrong = alarmflow.thermalModel.wrongSensor(value, unitOf(this));
      return wrong ? refusal(options, t('editor.wrong', { place: place(wrong) })) : true;
    };

  const button = (icon, text, act) =>
    $('<button type="button" class="red-ui-button red-ui-button-small">')
      .append($('<i>').addClass(`fa ${icon}`), document.createTextNode(text ? ` ${text}` : ''))
      .on('click', act);

  const iconButton = (icon, title, act) => button(icon, '', act).attr({ title, 'aria-label': title });

  let counter = 0;

  /** A list of rules; `unit()` tells the unit of the dialog. */
  function ruleList(box, given, kinds, unit, changed) {
    const { fresh, choices, fieldsOf, isTemperature, ofKind, wrongField } = alarmflow.thermalModel;
    const only = kinds.includes('difference');
    let rules = given.map((rule) => ({ ...fresh, ...rule }));

    function draw() {
      box.empty();
      for (const [at, rule] of rules.entries()) box.append(card(rule, at));
      const add = button('fa-plus', t('editor.addRule'), () => {
        rules.push(ofKind({ ...fresh }, 'threshold', unit()));
        draw();
        changed();
        box.find('.alarmflow-thermal-rule').last().find('select').first().trigger('focus');
      });
      $('<div class="alarmflow-thermal-add">').append(add).appendTo(box);
    }

    function card(rule, at) {
      const element = $('<div class="alarmflow-thermal-rule">');
      const used = fieldsOf[rule.kind].filter((field) => only || (field !== 'place' && field !== 'names'));
      const line = () => $('<div class="alarmflow-thermal-line">').appendTo(element);
      const mark = () => {
        const wrong = wrongField(rule, unit(), kinds);
        element.find('[data-rule-field]').each((_index, input) => {
          $(input).toggleClass('input-error', $(input).attr('data-rule-field') === wrong);
        });
      };
      const set = (field, value) => {
        rule[field] = value;
        mark();
        changed();
      };
      const field = (name, input, label) => {
        const id = `alarmflow-thermal-${++counter}`;
        input.attr({ id, 'data-rule-field': name });
        return $('<span class="alarmflow-thermal-field">').append($('<label>').attr('for', id).text(label), input);
      };
      const choice = (name, label) => {
        const select = $('<select>');
        for (const option of choices[name])
          $('<option>')
            .val(option)
            .text(t(`${name}.${option}`))
            .appendTo(select);
        select.val(rule[name]).on('change', () => set(name, select.val()));
        return field(name, select, label);
      };
      const text = (name, label, hint) => {
        const input = $('<input type="text" maxlength="8000">').attr('placeholder', hint ?? '');
        input.val(Array.isArray(rule[name]) ? rule[name].join(', ') : rule[name]);
        input.on('input', () => set(name, input.val()));
        return field(name, input, label).addClass('alarmflow-thermal-wide');
      };
      const number = (name, label, hint) => {
        const input = $('<input type="number" step="any">')
          .attr('placeholder', hint ?? '')
          .val(rule[name]);
        input.on('input', () => set(name, input.val().trim() === '' ? '' : Number(input.val())));
        return field(name, input, label);
      };

      const kind = $('<select>');
      for (const option of kinds)
        $('<option>')
          .val(option)
          .text(t(`kind.${option}`))
          .appendTo(kind);
      kind.val(rule.kind).on('change', () => {
        rules[at] = ofKind(rule, kind.val(), unit());
        draw();
        changed();
        box.find('.alarmflow-thermal-rule').eq(at).find('select').first().trigger('focus');
      });
      const head = line().addClass('alarmflow-thermal-head');
      head.append(field('kind', kind, t('editor.ruleNumber', { number: at + 1 })));
      head.append(
        iconButton('fa-trash-o', t('editor.removeRule', { number: at + 1 }), () => {
          rules.splice(at, 1);
          draw();
          changed();
        }),
      );

      const what = line();
      what.append(choice('measure', t('field.measure')));
      if (used.includes('place')) what.append(choice('place', t('field.place')));
      if (used.includes('group')) what.append(text('group', t('field.group')));
      if (used.includes('names'))
        what.append(text('names', t('field.names'), t(rule.kind === 'group' ? 'editor.all' : 'editor.each')));
      if (used.includes('first')) what.append(text('first', t('field.first')), text('second', t('field.second')));

      const limits = line();
      if (used.includes('comparison')) limits.append(choice('comparison', t('field.comparison')));
      if (used.includes('direction')) limits.append(choice('direction', t('field.direction')));
      if (used.includes('change')) limits.append(choice('change', t('field.change')));
      if (used.includes('seconds')) {
        limits.append(number('seconds', t(rule.kind === 'rise' ? 'field.duration' : 'field.cycle')));
        limits.append($('<span class="alarmflow-unit">').text(t('editor.seconds')));
      }

      limits.append(number('preAlarm', t('field.preAlarm'), t('editor.noPreAlarm')));
      limits.append(number('alarm', t('field.alarm')));
      if (used.includes('maximum')) limits.append(number('maximum', t('field.maximum')));
      limits.append(number('tolerance', t('field.tolerance')));
      limits.append(
        $('<span class="alarmflow-unit">').text(
          isTemperature(rule.kind) ? signs[unit()] : t('editor.degrees', { unit: signs[unit()] }),
        ),
      );
      mark();
      return element;
    }

    draw();
    return {
      value: () => rules.map((rule) => ({ ...rule })),
      set(next) {
        rules = next.map((rule) => ({ ...fresh, ...rule }));
        draw();
      },
    };
  }

  /** The sensors with their rules; each one's rules can be copied to others. */
  function sensorList(box, given, unit, changed) {
    const { placeKinds, wrongSensor } = alarmflow.thermalModel;
    let sensors = given.map((sensor) => ({ id: '', name: '', ...sensor, rules: sensor?.rules ?? [] }));
    let lists = [];

    const titleOf = (sensor, at) => sensor.name || sensor.id || t('editor.sensorNumber', { number: at + 1 });
    const current = () => sensors.map((sensor, at) => ({ ...sensor, rules: lists[at]?.value() ?? sensor.rules }));

    function mark() {
      const wrong = wrongSensor(current(), unit());
      box.find('.alarmflow-thermal-sensor').each((at, element) => {
        for (const field of ['id', 'name'])
          $(element)
            .find(`[data-sensor-field="${field}"]`)
            .toggleClass('input-error', wrong?.sensor === at && wrong.rule === undefined && wrong.field === field);
      });
    }

    const touched = () => {
      mark();
      changed();
    };

    function draw() {
      box.empty();
      lists = [];
      for (const [at, sensor] of sensors.entries()) box.append(card(sensor, at));
      const add = button('fa-plus', t('editor.addSensor'), () => {
        sensors = [...current(), { id: '', name: '', rules: [] }];
        draw();
        touched();
        box.find('[data-sensor-field="id"]').last().trigger('focus');
      });
      $('<div class="alarmflow-thermal-add">').append(add).appendTo(box);
      mark();
    }

    function card(sensor, at) {
      const element = $('<div class="alarmflow-thermal-sensor">');
      const input = (field, label, hint) => {
        const id = `alarmflow-thermal-${++counter}`;
        const text = $('<input type="text" maxlength="128">')
          .attr({ id, 'data-sensor-field': field, placeholder: hint })
          .val(sensor[field])
          .on('input', () => {
            sensor[field] = text.val();
            touched();
          });
        return $('<span class="alarmflow-thermal-field alarmflow-thermal-wide">').append(
          $('<label>').attr('for', id).text(label),
          text,
        );
      };
      const panel = $('<div class="alarmflow-thermal-copy">').hide();
      const head = $('<div class="alarmflow-thermal-line alarmflow-thermal-head">').appendTo(element);
      head.append(input('id', t('field.id'), ''), input('name', t('field.name'), t('editor.noName')));
      head.append(
        button('fa-copy', t('editor.copy'), () => openCopy(panel, at)).attr('aria-expanded', 'false'),
        iconButton('fa-trash-o', t('editor.removeSensor', { sensor: titleOf(sensor, at) }), () => {
          sensors = current().filter((_sensor, index) => index !== at);
          draw();
          touched();
        }),
      );
      element.append(panel);
      const rules = $('<div class="alarmflow-thermal-rules">').appendTo(element);
      const hint = $('<span class="alarmflow-unit alarmflow-thermal-follows">').text(t('editor.follows'));
      lists[at] = ruleList(rules, sensor.rules, placeKinds, unit, () => {
        hint.toggle(lists[at].value().length === 0);
        touched();
      });
      hint.toggle(sensor.rules.length === 0).appendTo(element);
      return element;
    }

    function openCopy(panel, from) {
      const open = panel.is(':visible');
      box.find('.alarmflow-thermal-copy').hide().empty();
      box.find('[aria-expanded]').attr('aria-expanded', 'false');
      if (open) return;
      panel.prev().find('[aria-expanded]').attr('aria-expanded', 'true');
      const others = current()
        .map((sensor, at) => ({ sensor, at }))
        .filter(({ at }) => at !== from);
      panel.append($('<span>').text(t(others.length > 0 ? 'editor.copyTo' : 'editor.noOther')));
      for (const { sensor, at } of others)
        $('<label class="alarmflow-choice">')
          .append($('<input type="checkbox" checked>').val(at), $('<span>').text(titleOf(sensor, at)))
          .appendTo(panel);
      if (others.length > 0)
        panel.append(
          button('fa-check', t('editor.copyNow'), () => {
            const chosen = panel
              .find('input:checked')
              .map((_at, input) => Number(input.value))
              .get();
            const now = current();
            sensors = now.map((sensor, at) =>
              chosen.includes(at) ? { ...sensor, rules: now[from].rules.map((rule) => ({ ...rule })) } : sensor,
            );
            draw();
            touched();
          }),
        );
      panel.css('display', 'flex');
    }

    draw();
    return {
      value: () =>
        current().map(({ id, name, rules }) => ({ id: String(id).trim(), name: String(name).trim(), rules })),
      set(next) {
        sensors = next;
        draw();
      },
    };
  }

  /** Fills the dialog's boxes; `value()` gives what it shows. */
  alarmflow.thermalEditor = (form, { unit, rules, sensors }) => {
    const { kinds, converted } = alarmflow.thermalModel;
    const select = form.find('#node-input-unit');
    let now = signs[unit] ? unit : 'celsius';
    const current = () => now;
    const common = ruleList(form.find('.alarmflow-thermal-common'), rules, kinds, current, () => undefined);
    const own = sensorList(form.find('.alarmflow-thermal-sensors'), sensors, current, () => undefined);
    select.val(now).on('change', () => {
      const before = now;
      const values = { rules: common.value(), sensors: own.value() };
      now = select.val();
      common.set(values.rules.map((rule) => converted(rule, before, now)));
      own.set(
        values.sensors.map((sensor) => ({
          ...sensor,
          rules: sensor.rules.map((rule) => converted(rule, before, now)),
        })),
      );
    });
    return { rules: common.value, sensors: own.value };
  };
})();
