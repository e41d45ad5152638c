/* Rule tests in the editor: a button that runs them on the flow as it is shown, and an offer to do so before a deploy. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const TYPE = 'alarmflow-rule-tests';
  const DEPLOY_BUTTON = '#red-ui-header-button-deploy';
  const DEPLOY = 'core:deploy-flows';

  let editor = null;
  /** What an empty node's editor shows; it is not saved unless it was changed. */
  let sampleText = '';
  let deploying = null;
  /** The offer has been answered: the next deploy goes through. */
  let passing = false;

  const text = (key, values) => alarmflow.text(`ruleTests.${key}`, values);

  /** A trigger of the flow with a device and an event that concern it, for the example; words that say what goes there. */
  function exampleSubjects() {
    const types = {
      'alarmflow-alarm-input': 'digital-input',
      'alarmflow-line-crossing': 'line-crossing',
      'alarmflow-thermal-alarm': 'temperature-alarm',
      'alarmflow-exception': 'storage-fault',
    };
    let found = null;
    let device = null;
    RED.nodes.eachNode((node) => {
      if (types[node.type] && node.name && !node.d) found ??= node;
    });
    RED.nodes.eachConfig((config) => {
      if (config.type !== 'alarmflow-device' || !config.name) return;
      const own = found?.devices ?? [];
      if (own.length === 0 || own.includes(config.id)) device ??= config.name;
    });
    return {
      device: device ?? text('exampleDevice'),
      type: types[found?.type] ?? 'line-crossing',
      trigger: found?.name ?? text('exampleTrigger'),
    };
  }

  const testNodes = () => {
    const nodes = [];
    RED.nodes.eachNode((node) => {
      if (node.type === TYPE && !node.d && String(node.tests ?? '').trim() !== '') nodes.push(node);
    });
    return nodes;
  };

  /** What a text of tests lacks to be one, or null; the words themselves are checked where they are run. */
  function fault(value) {
    if (String(value ?? '').trim() === '') return null;
    try {
      const { tests } = JSON.parse(value);
      return Array.isArray(tests) && tests.length > 0 ? null : 'list';
    } catch {
      return 'json';
    }
  }

  /** The flow as the editor shows it, without passwords. */
  const shownFlow = () => RED.nodes.createCompleteNodeSet({ credentials: false });

  function ask() {
    const running = RED.notify(text('running'), { type: 'compact', modal: true, fixed: true });
    return new Promise((resolve) => {
      $.ajax({
        url: 'alarmflow/rule-tests/run',
        method: 'POST',
        contentType: 'application/json',
        data: JSON.stringify({ flows: shownFlow() }),
        dataType: 'json',
      })
        .done((report) => resolve({ report }))
        .fail((request) => resolve({ reason: alarmflow.reasonOf(request) }))
        .always(() => running.close());
    });
  }

  /** Names and texts come from the flow: they are put in as text, never as HTML. */
  function reportElement({ report, reason }) {
    const box = $('<div class="alarmflow-rule-tests">');
    if (!report) return box.append($('<p>').text(text('notRun', { reason })));
    const { passed, failed } = report;
    box.append(
      $('<p>').append(
        $('<b>').text(text(failed > 0 ? 'someFail' : 'allPass', { passed, failed, total: passed + failed })),
      ),
    );
    for (const { source, results } of report.suites) {
      box.append($('<p class="alarmflow-suite">').text(source));
      const list = $('<ul>').appendTo(box);
      for (const { name, ok, failures } of results) {
        const item = $('<li>')
          .addClass(ok ? 'alarmflow-ok' : 'alarmflow-failed')
          .text(`${ok ? '✓' : '✗'} ${name}`);
        list.append(item);
        for (const { line, expected, happened } of failures) {
          item.append($('<p>').text(text('expected', { line, expected })));
          item.append($('<pre>').text(happened.join('\n')));
        }
      }
    }
    if (report.warnings.length > 0) {
      box.append($('<p class="alarmflow-suite">').text(text('warnings')));
      const list = $('<ul>').appendTo(box);
      for (const warning of report.warnings) list.append($('<li>').text(warning));
    }
    return box;
  }

  const passed = ({ report }) => report !== undefined && report.failed === 0;

  /** Shows a result; resolves to whether the person wants to go on, where there is something to go on with. */
  function show(answer, goesOn) {
    return new Promise((resolve) => {
      const close = (wanted) => () => {
        notice.close();
        resolve(wanted);
      };
      const buttons = goesOn
        ? [
            { text: text('back'), click: close(false) },
            { text: text('anyway'), class: 'primary', click: close(true) },
          ]
        : [{ text: text('close'), class: 'primary', click: close(false) }];
      const notice = RED.notify(reportElement(answer), {
        type: passed(answer) ? 'success' : 'error',
        modal: true,
        fixed: true,
        width: 640,
        buttons,
      });
    });
  }

  function offer(count) {
    return new Promise((resolve) => {
      const close = (wanted) => () => {
        notice.close();
        resolve(wanted);
      };
      const notice = RED.notify($('<p>').text(text('offer', { count })), {
        modal: true,
        fixed: true,
        buttons: [
          { text: text('cancel'), click: close('cancel') },
          { text: text('without'), click: close('without') },
          { text: text('runThenDeploy'), class: 'primary', click: close('run') },
        ],
      });
    });
  }

  /** Whether the deploy may go on. */
  async function mayDeploy(nodes) {
    const count = nodes.reduce((sum, node) => sum + (fault(node.tests) ? 1 : JSON.parse(node.tests).tests.length), 0);
    if (!nodes.some((node) => node.atDeploy === 'always')) {
      const wanted = await offer(count);
      if (wanted !== 'run') return wanted === 'without';
    }
    const answer = await ask();
    if (!passed(answer)) return show(answer, true);
    RED.notify(text('allPass', { passed: answer.report.passed, failed: 0 }), { type: 'success', timeout: 4000 });
    return true;
  }

  /** Takes a deploy over where there are tests to be run before it; false: it goes its own way. */
  function intercept(deploy) {
    if (passing || deploying !== null) return deploying !== null;
    if ($(DEPLOY_BUTTON).hasClass('disabled') || !RED.user.hasPermission('flows.write')) return false;
    const nodes = testNodes().filter((node) => node.atDeploy !== 'never');
    if (nodes.length === 0) return false;
    deploying = mayDeploy(nodes).then((may) => {
      deploying = null;
      if (!may) return;
      passing = true;
      try {
        deploy();
      } finally {
        passing = false;
      }
    });
    return true;
  }

  alarmflow.ruleTests = {
    fault,
    /** Runs all tests of the flow as it is shown, and shows the result. */
    async run() {
      await show(await ask(), false);
    },
    /** Called once, when the editor has been made. */
    attach() {
      const deploy = RED.actions.get(DEPLOY);
      RED.actions.remove(DEPLOY);
      RED.actions.add(DEPLOY, (...words) => {
        if (!intercept(() => deploy(...words))) deploy(...words);
      });
      // The button calls the deploy itself and not the action: it is heard before the button hears it.
      document.addEventListener(
        'click',
        (event) => {
          if (!event.target.closest?.(DEPLOY_BUTTON) || !intercept(deploy)) return;
          event.preventDefault();
          event.stopImmediatePropagation();
        },
        true,
      );
      RED.actions.add('alarmflow:run-rule-tests', () => alarmflow.ruleTests.run(), { label: text('action') });
    },
    prepare(node, example) {
      const { device, type, trigger } = exampleSubjects();
      const sample = {
        tests: [
          {
            name: example,
            given: { time: '2026-11-23T18:05 Europe/Berlin', armed: true },
            when: [{ at: '0 s', event: { device, type } }],
            // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of the tests
            then: [{ at: '0 s', raise: trigger }],
          },
        ],
      };
      sampleText = JSON.stringify(sample, null, 2);
      editor = RED.editor.createEditor({
        id: 'alarmflow-rule-tests-text',
        mode: 'ace/mode/json',
        value: node.tests || sampleText,
      });
      $('#alarmflow-rule-tests-run').on('click', async () => {
        // What is in the dialog counts, as if it had been confirmed.
        const before = node.tests;
        node.tests = editor.getValue();
        try {
          await show(await ask(), false);
        } finally {
          node.tests = before;
        }
      });
    },
    save() {
      if (editor === null) return;
      const value = editor.getValue();
      $('#node-input-tests').val(value === sampleText ? '' : value);
      alarmflow.ruleTests.leave();
    },
    leave() {
      editor?.destroy();
      editor = null;
    },
    resize(size) {
      $('#alarmflow-rule-tests-text').css('height', `${Math.max(200, size.height - 190)}px`);
      editor?.resize();
    },
  };
})();
