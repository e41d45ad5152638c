import {
  type ActionNodeDefinition,
  type ActionRequest,
  type ActionTest,
  type AlarmCentreDefinition,
  type AlarmMessage,
  type AreaDefinition,
  type ArmingChange,
  type ArmingNodeDefinition,
  type ArmingOrder,
  type ArmingSchedule,
  type DeviceChoices,
  type DeviceDefinition,
  type DevicePushSetUp,
  type DeviceStatus,
  type DeviceTest,
  type Discovery,
  type DriverChoice,
  type EscalationDefinition,
  type FileServerDefinition,
  type FlowEngine,
  type MailPreview,
  type MailPreviewRequest,
  type MailServerDefinition,
  type MqttBrokerDefinition,
  type NodeNotice,
  type NotifyPreview,
  noOffers,
  type OfferedMessage,
  type OfferedReading,
  type OutputNodeDefinition,
  type OutputRequest,
  type OutputTest,
  type RecentPush,
  type RuleTestReport,
  type SchedulePreview,
  type SignOfLifeState,
  type SnmpReceiverDefinition,
  type TestOutcome,
  type TriggerDefinition,
  usualDialog,
} from '../../engine/index';

type CallName = Exclude<keyof FlowEngine, 'deviceDrivers'>;

/** A FlowEngine that does nothing but remember what nodes ask of it; its answers can be set. */
export class FakeFlowEngine implements FlowEngine {
  /** Every call in its order, without callbacks. */
  readonly calls: { call: CallName; args: unknown[] }[] = [];
  readonly devices = new Map<string, DeviceDefinition>();
  readonly schedules = new Map<string, ArmingSchedule>();
  readonly mailServers = new Map<string, MailServerDefinition>();
  readonly fileServers = new Map<string, FileServerDefinition>();
  readonly snmpReceivers = new Map<string, SnmpReceiverDefinition>();
  readonly alarmCentres = new Map<string, AlarmCentreDefinition>();
  readonly mqttBrokers = new Map<string, MqttBrokerDefinition>();
  readonly triggers = new Map<string, TriggerDefinition>();
  readonly outputs = new Map<string, OutputNodeDefinition>();
  readonly offered: { triggerId: string; message: OfferedMessage }[] = [];
  readonly readings: { triggerId: string; reading: OfferedReading }[] = [];
  readonly escalations = new Map<string, EscalationDefinition>();
  readonly escalated: { nodeId: string; alarmId: string }[] = [];
  readonly actionRequests: ActionRequest[] = [];
  readonly outputRequests: OutputRequest[] = [];
  readonly areas = new Map<string, AreaDefinition>();
  readonly arming = new Map<string, ArmingNodeDefinition>();
  readonly armingWatchers = new Map<string, (change: ArmingChange) => void>();
  readonly actionNodes = new Map<string, string>();
  readonly armingOrders: ArmingOrder[] = [];
  readonly detached: string[] = [];
  /** Set to make a call reject. */
  readonly failures = new Map<CallName, Error>();
  /** Set to hold a call back until it resolves. */
  readonly gates = new Map<CallName, Promise<void>>();
  testAnswer: DeviceTest = { ok: true, detail: 'as expected' };
  pushSetUpAnswer: DevicePushSetUp = { ok: true, detail: 'as expected', warnings: [] };
  ruleTestReport: RuleTestReport = { kind: 'rule-tests', passed: 1, failed: 0, suites: [], warnings: [] };
  schedulePreview: SchedulePreview = {
    timeZone: 'Europe/Berlin',
    armed: false,
    detail: 'schedule "Nights" is not armed until Mon 18:00 (Europe/Berlin)',
    edges: [{ at: 0, armed: true, reason: 'Monday 18:00 begins', local: 'Mon 2026-11-23 18:00' }],
  };
  drivers: DriverChoice[] = [
    {
      kind: 'hikvision',
      title: 'Hikvision / HIKMICRO (ISAPI)',
      defaultPort: 80,
      dialog: usualDialog,
      discovers: false,
    },
    { kind: 'simulated', title: 'Simulated', defaultPort: 8000, dialog: usualDialog, discovers: true },
  ];
  offersAnswer: DeviceChoices = { offers: structuredClone(noOffers), sent: [], problem: null };
  discovery: Discovery = { devices: [], problems: [] };
  recent: RecentPush[] = [];
  testOutcome: TestOutcome = { ok: true, detail: 'as expected', tookMs: 12 };
  problem: string | null = null;

  private readonly deliveries = new Map<string, (message: AlarmMessage) => void>();
  private readonly watchers = new Map<string, (notice: NodeNotice) => void>();

  /** Hands an alarm's message to a trigger node. */
  deliver(triggerId: string, message: AlarmMessage): void {
    const deliver = this.deliveries.get(triggerId);
    if (!deliver) throw new Error(`no trigger ${triggerId} is defined`);
    deliver(message);
  }

  /** Shows a notice at a node, like a change inside the engine. */
  notify(nodeId: string, notice: NodeNotice): void {
    this.watchers.get(nodeId)?.(notice);
  }

  callsOf(call: CallName): unknown[][] {
    return this.calls.filter((entry) => entry.call === call).map((entry) => entry.args);
  }

  private async called(call: CallName, ...args: unknown[]): Promise<void> {
    this.calls.push({ call, args });
    await this.gates.get(call);
    const failure = this.failures.get(call);
    if (failure) throw failure;
  }

  async defineDevice(definition: DeviceDefinition): Promise<void> {
    await this.called('defineDevice', definition);
    this.devices.set(definition.id, definition);
  }

  async defineSchedule(schedule: ArmingSchedule): Promise<void> {
    await this.called('defineSchedule', schedule);
    this.schedules.set(schedule.id, schedule);
  }

  async defineMailServer(definition: MailServerDefinition): Promise<void> {
    await this.called('defineMailServer', definition);
    this.mailServers.set(definition.id, definition);
  }

  async defineFileServer(definition: FileServerDefinition): Promise<void> {
    await this.called('defineFileServer', definition);
    this.fileServers.set(definition.id, definition);
  }

  async defineSnmpReceiver(definition: SnmpReceiverDefinition): Promise<void> {
    await this.called('defineSnmpReceiver', definition);
    this.snmpReceivers.set(definition.id, definition);
  }

  async defineAlarmCentre(definition: AlarmCentreDefinition): Promise<void> {
    await this.called('defineAlarmCentre', definition);
    this.alarmCentres.set(definition.id, definition);
  }

  async defineMqttBroker(definition: MqttBrokerDefinition): Promise<void> {
    await this.called('defineMqttBroker', definition);
    this.mqttBrokers.set(definition.id, definition);
  }

  async defineTrigger(definition: TriggerDefinition, deliver: (message: AlarmMessage) => void): Promise<void> {
    await this.called('defineTrigger', definition);
    this.triggers.set(definition.id, definition);
    this.deliveries.set(definition.id, deliver);
  }

  async defineEscalation(definition: EscalationDefinition, deliver: (message: AlarmMessage) => void): Promise<void> {
    await this.called('defineEscalation', definition);
    this.escalations.set(definition.id, definition);
    this.deliveries.set(definition.id, deliver);
  }

  async offerEscalation(nodeId: string, alarmId: string): Promise<void> {
    await this.called('offerEscalation', nodeId, alarmId);
    this.escalated.push({ nodeId, alarmId });
  }

  async defineOutput(definition: OutputNodeDefinition): Promise<void> {
    await this.called('defineOutput', definition);
    this.outputs.set(definition.nodeId, definition);
  }

  async defineAction(definition: ActionNodeDefinition): Promise<void> {
    await this.called('defineAction', definition);
    this.actionNodes.set(definition.nodeId, definition.name);
  }

  async defineArea(area: AreaDefinition): Promise<void> {
    await this.called('defineArea', area);
    this.areas.set(area.id, area);
  }

  async defineArming(definition: ArmingNodeDefinition, changed: (change: ArmingChange) => void): Promise<void> {
    await this.called('defineArming', definition);
    this.arming.set(definition.nodeId, definition);
    this.armingWatchers.set(definition.nodeId, changed);
  }

  async orderArming(order: ArmingOrder): Promise<void> {
    await this.called('orderArming', order);
    this.armingOrders.push(order);
  }

  async detach(nodeId: string): Promise<void> {
    await this.called('detach', nodeId);
    this.detached.push(nodeId);
    this.watchers.delete(nodeId);
  }

  async offerMessage(triggerId: string, message: OfferedMessage): Promise<void> {
    await this.called('offerMessage', triggerId, message);
    this.offered.push({ triggerId, message });
  }

  async offerReading(triggerId: string, reading: OfferedReading): Promise<void> {
    await this.called('offerReading', triggerId, reading);
    this.readings.push({ triggerId, reading });
  }

  async requestAction(request: ActionRequest): Promise<{ key: string; accepted: boolean }> {
    await this.called('requestAction', request);
    this.actionRequests.push(request);
    return { key: `${request.nodeId}:${request.messageId}`, accepted: true };
  }

  async requestOutput(request: OutputRequest): Promise<void> {
    await this.called('requestOutput', request);
    this.outputRequests.push(request);
  }

  async watchNode(nodeId: string, show: (notice: NodeNotice) => void): Promise<void> {
    await this.called('watchNode', nodeId);
    this.watchers.set(nodeId, show);
  }

  async recorderTools(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'ffmpeg 5.1' };
  }

  async deviceStatus(deviceId: string): Promise<DeviceStatus | null> {
    await this.called('deviceStatus', deviceId);
    return null;
  }

  async ingestPath(deviceId: string): Promise<string> {
    await this.called('ingestPath', deviceId);
    return `/ingest/token-of-${deviceId}`;
  }

  async testMailServer(definition: MailServerDefinition, to: string): Promise<{ ok: boolean; detail: string }> {
    await this.called('testMailServer', definition, to);
    return this.testAnswer;
  }

  async previewMail(request: MailPreviewRequest): Promise<MailPreview> {
    await this.called('previewMail', request);
    return { subject: 'Subject', text: 'Text', html: '<p>Text</p>', alarm: 'a sample alarm' };
  }

  async testFileServer(definition: FileServerDefinition): Promise<{ ok: boolean; detail: string }> {
    await this.called('testFileServer', definition);
    return this.testAnswer;
  }

  async testSnmpReceiver(definition: SnmpReceiverDefinition): Promise<{ ok: boolean; detail: string }> {
    await this.called('testSnmpReceiver', definition);
    return this.testAnswer;
  }

  async testAlarmCentre(definition: AlarmCentreDefinition): Promise<{ ok: boolean; detail: string }> {
    await this.called('testAlarmCentre', definition);
    return this.testAnswer;
  }

  signs: SignOfLifeState | null = null;
  async signOfLife(centreId: string): Promise<SignOfLifeState | null> {
    await this.called('signOfLife', centreId);
    return this.signs;
  }

  async testMqttBroker(definition: MqttBrokerDefinition): Promise<{ ok: boolean; detail: string }> {
    await this.called('testMqttBroker', definition);
    return this.testAnswer;
  }

  async previewNotify(request: Pick<ActionTest, 'nodeId' | 'nodeName' | 'params'>): Promise<NotifyPreview> {
    await this.called('previewNotify', request);
    return { request: 'POST https://centre.example.org/alarms', contentType: 'application/json', body: '{}' };
  }

  async testAction(test: ActionTest): Promise<TestOutcome> {
    await this.called('testAction', test);
    return this.testOutcome;
  }

  async testOutput(test: OutputTest): Promise<TestOutcome> {
    await this.called('testOutput', test);
    return this.testOutcome;
  }

  async checkAction(test: ActionTest): Promise<string | null> {
    await this.called('checkAction', test);
    return this.problem;
  }

  async checkOutput(test: OutputTest): Promise<string | null> {
    await this.called('checkOutput', test);
    return this.problem;
  }

  async runRuleTests(flows: unknown): Promise<RuleTestReport> {
    await this.called('runRuleTests', flows);
    return this.ruleTestReport;
  }

  async previewSchedule(schedule: ArmingSchedule): Promise<SchedulePreview> {
    await this.called('previewSchedule', schedule);
    return this.schedulePreview;
  }

  async testDevice(definition: DeviceDefinition): Promise<DeviceTest> {
    await this.called('testDevice', definition);
    return this.testAnswer;
  }

  async setUpDevicePush(definition: DeviceDefinition): Promise<DevicePushSetUp> {
    await this.called('setUpDevicePush', definition);
    return this.pushSetUpAnswer;
  }

  async deviceDrivers(): Promise<readonly DriverChoice[]> {
    return this.drivers;
  }

  async deviceOffers(deviceId: string): Promise<DeviceChoices> {
    await this.called('deviceOffers', deviceId);
    return this.offersAnswer;
  }

  async discoverDevices(kind: string | null): Promise<Discovery> {
    await this.called('discoverDevices', kind);
    return this.discovery;
  }

  async recentPushes(deviceId: string): Promise<RecentPush[]> {
    await this.called('recentPushes', deviceId);
    return this.recent;
  }

  async deviceGuide(kind: string): Promise<string | null> {
    await this.called('deviceGuide', kind);
    return `# How to set up ${kind}`;
  }
}
