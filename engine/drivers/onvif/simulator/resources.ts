import { isoTime } from '../../../clock/clock';
import { type HeadPlace, homePlace, presetPlace } from '../../simulated/turning-head';
import type { XmlElement } from '../../wire';
import { textIn } from '../answer';
import { xmlText } from '../envelope';
import type { OnvifFaults } from './faults';
import type { OnvifHardware } from './hardware';
import { badArgument, notAuthorized, type SimulatedAnswer, unknownAction } from './soap';

export interface ResourceSetting {
  faults: OnvifFaults;
  hardware: OnvifHardware;
  channels: number;
  model: string;
  deviceNow(): number;
  /** Address of a path as the device tells it. */
  told(path: string): string;
  pictureId(): number;
  commanded(command: string): void;
}

const isMonostable = (faults: OnvifFaults): boolean =>
  faults.has('monostable') || faults.has('monostable-ignores-inactive');
const ok = (body: string): SimulatedAnswer => ({ status: 200, body });

const services: readonly [string, string, string][] = [
  ['http://www.onvif.org/ver10/device/wsdl', '/onvif/device_service', 'Device'],
  ['http://www.onvif.org/ver10/media/wsdl', '/onvif/media_service', 'Media'],
  ['http://www.onvif.org/ver10/events/wsdl', '/onvif/event_service', 'Events'],
  ['http://www.onvif.org/ver10/deviceIO/wsdl', '/onvif/deviceio_service', 'DeviceIO'],
  ['http://www.onvif.org/ver20/ptz/wsdl', '/onvif/ptz_service', 'PTZ'],
  ['http://www.onvif.org/ver10/recording/wsdl', '/onvif/recording_service', 'Recording'],
  ['http://www.onvif.org/ver20/analytics/wsdl', '/onvif/analytics_service', 'Analytics'],
];

const topicSet = (): string => {
  const topic = (name: string): string =>
    `<${name} wstop:topic="true"><tt:MessageDescription IsProperty="true"/></${name}>`;
  return (
    `<wstop:TopicSet><tns1:RuleEngine><CellMotionDetector>${topic('Motion')}</CellMotionDetector>` +
    `<LineDetector>${topic('Crossed')}</LineDetector><FieldDetector>${topic('ObjectsInside')}</FieldDetector>` +
    `<Radiometry>${topic('TemperatureAlarm')}</Radiometry></tns1:RuleEngine>` +
    `<tns1:VideoSource>${topic('MotionAlarm')}${topic('SignalLoss')}</tns1:VideoSource>` +
    `<tns1:Device><Trigger>${topic('DigitalInput')}${topic('Relay')}${topic('tnshik:AlarmIn')}</Trigger></tns1:Device>` +
    `<tns1:Monitoring>${topic('ProcessorUsage')}</tns1:Monitoring></wstop:TopicSet>`
  );
};

/** Everything but events. `service`: last part of the path, e.g. `media_service`. */
export function answerResource(
  name: string,
  service: string,
  request: XmlElement,
  at: ResourceSetting,
): SimulatedAnswer {
  const { faults, hardware } = at;
  const ask = (field: string): string => textIn(request, field) ?? '';
  switch (name) {
    case 'GetSystemDateAndTime':
      return ok(clockXml(at.deviceNow()));
    case 'GetServices':
      return faults.has('no-get-services') ? unknownAction(faults) : ok(servicesXml(at));
    case 'GetCapabilities':
      return ok(capabilitiesXml(at));
    case 'GetServiceCapabilities':
      return ok(
        '<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Security UsernameToken="true" HttpDigest="true"/>' +
          '<tds:Misc AuxiliaryCommands="tt:IRLamp|On tt:IRLamp|Off tt:Siren|On tt:Siren|Off"/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>',
      );
    case 'GetDeviceInformation':
      return ok(
        `<tds:GetDeviceInformationResponse><tds:Manufacturer>alarmflow</tds:Manufacturer><tds:Model>${xmlText(at.model)}</tds:Model>` +
          '<tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>SIM0007</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>',
      );
    case 'GetVideoSources':
      if (faults.has('no-video-sources')) return unknownAction(faults);
      return ok(
        `<trt:GetVideoSourcesResponse>${each(at.channels, (i) => `<trt:VideoSources token="${sourceToken(i)}"/>`)}</trt:GetVideoSourcesResponse>`,
      );
    case 'GetProfiles':
      return profilesXml(service, at);
    case 'GetSnapshotUri': {
      const channel = Number(/(\d+)$/.exec(ask('ProfileToken'))?.[1] ?? 0);
      const uri = xmlText(at.told(`/onvif/snapshot?channel=${channel}&id=${at.pictureId()}`));
      return ok(
        `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${uri}</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`,
      );
    }
    case 'GetStreamUri': {
      const channel = Number(/(\d+)$/.exec(ask('ProfileToken'))?.[1] ?? 0);
      // Told with the address and the port of its own network, as devices behind a router do.
      const address = ask('Protocol') === 'RtspsUnicast' ? 'rtsps://10.9.8.7:8322' : 'rtsp://10.9.8.7:8554';
      return ok(
        `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>${address}/media/profile?channel=${channel}&amp;unicast=true</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>`,
      );
    }
    case 'GetEventProperties':
      return ok(`<tev:GetEventPropertiesResponse>${topicSet()}</tev:GetEventPropertiesResponse>`);
    case 'GetRelayOutputs': {
      const prefix = service === 'deviceio_service' ? 'tmd' : 'tds';
      const mode = isMonostable(faults) ? 'Monostable' : 'Bistable';
      const idle = faults.has('idle-closed') ? 'closed' : 'open';
      const list = hardware.relays
        .map(
          ({ token }) =>
            `<${prefix}:RelayOutputs token="${token}"><tt:Properties><tt:Mode>${mode}</tt:Mode><tt:DelayTime>PT${hardware.delayMs / 1000}S</tt:DelayTime><tt:IdleState>${idle}</tt:IdleState></tt:Properties></${prefix}:RelayOutputs>`,
        )
        .join('');
      return ok(`<${prefix}:GetRelayOutputsResponse>${list}</${prefix}:GetRelayOutputsResponse>`);
    }
    case 'SetRelayOutputState': {
      if (service === 'deviceio_service' && faults.has('device-io-refuses')) return unknownAction(faults);
      if (service === 'deviceio_service' && faults.has('device-io-strict'))
        return badArgument(faults, 'ter:WellFormed', 'Validation constraint violation: tag name or namespace mismatch');
      if (faults.has('low-privilege')) return notAuthorized(faults);
      const token = ask('RelayOutputToken');
      const on = ask('LogicalState') === 'active';
      if (!on && faults.has('monostable')) return badArgument(faults, 'ter:ModeError', 'Relay is monostable');
      const ignored = !on && faults.has('monostable-ignores-inactive');
      if (ignored) return ok('<tds:SetRelayOutputStateResponse/>');
      if (!hardware.switchRelay(token, on, isMonostable(faults)))
        return badArgument(faults, 'ter:RelayToken', 'No such relay token');
      at.commanded(`relay ${token} ${on ? 'on' : 'off'}`);
      return ok('<tds:SetRelayOutputStateResponse/>');
    }
    case 'GetDigitalInputs':
      return ok(
        `<tmd:GetDigitalInputsResponse>${hardware.inputs.map(({ token }) => `<tmd:DigitalInputs token="${token}" IdleState="${faults.has('input-events-inverted') ? 'closed' : 'open'}"/>`).join('')}</tmd:GetDigitalInputsResponse>`,
      );
    case 'GetPresets':
      return ok(
        `<tptz:GetPresetsResponse>${hardware.presets.map(({ token, name: n }, i) => `<tptz:Preset token="${token}"><tt:Name>${n}</tt:Name>${faults.has('no-preset-places') ? '' : `<tt:PTZPosition>${vectorXml(presetPlace(i + 1))}</tt:PTZPosition>`}</tptz:Preset>`).join('')}</tptz:GetPresetsResponse>`,
      );
    case 'GotoPreset': {
      const token = ask('PresetToken');
      if (!hardware.presets.some((p) => p.token === token)) return badArgument(faults, 'ter:NoToken', 'No such preset');
      hardware.position = { channel: Number(/(\d+)$/.exec(ask('ProfileToken'))?.[1] ?? 0) + 1, preset: token };
      hardware.motion = null;
      hardware.head.go(presetPlace(Number(/(\d+)$/.exec(token)?.[1] ?? 1)));
      at.commanded(`preset ${token}`);
      return ok('<tptz:GotoPresetResponse/>');
    }
    case 'GetStatus': {
      if (faults.has('no-ptz-status')) return unknownAction(faults);
      const { moving, ...place } = hardware.head.read();
      const word = moving ? 'MOVING' : 'IDLE';
      const told = faults.has('ptz-always-zero') ? { pan: 180, tilt: 0, zoom: 1 } : place;
      const status = faults.has('no-move-status')
        ? ''
        : `<tt:MoveStatus><tt:PanTilt>${word}</tt:PanTilt><tt:Zoom>${word}</tt:Zoom></tt:MoveStatus>`;
      return ok(
        `<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position>${vectorXml(told)}</tt:Position>${status}<tt:UtcTime>${isoTime(at.deviceNow())}</tt:UtcTime></tptz:PTZStatus></tptz:GetStatusResponse>`,
      );
    }
    case 'GetPresetTours':
      return ok(
        `<tptz:GetPresetToursResponse>${hardware.tours.map((t) => `<tptz:PresetTour token="${t}"><tt:Name>${t}</tt:Name></tptz:PresetTour>`).join('')}</tptz:GetPresetToursResponse>`,
      );
    case 'OperatePresetTour': {
      const token = ask('PresetTourToken');
      const operation = ask('Operation');
      if (!hardware.tours.includes(token)) return badArgument(faults, 'ter:NoToken', 'No such tour');
      if (operation !== 'Start' && operation !== 'Stop')
        return badArgument(faults, 'ter:InvalidArgVal', 'No such operation');
      return moved(at, operation === 'Start' ? `tour ${token}` : null, 'OperatePresetTour');
    }
    case 'GotoHomePosition':
      return moved(at, 'home', name);
    case 'ContinuousMove':
      return moved(at, 'pan', name);
    case 'Stop':
      return moved(at, null, name);
    case 'GetNodes':
      return ok(
        '<tptz:GetNodesResponse><tptz:PTZNode token="N0"><tt:AuxiliaryCommands>tt:Wiper|On</tt:AuxiliaryCommands></tptz:PTZNode></tptz:GetNodesResponse>',
      );
    case 'SendAuxiliaryCommand': {
      const word = service === 'ptz_service' ? ask('AuxiliaryData') : ask('AuxiliaryCommand');
      if (service === 'ptz_service' && /^tt:Wiper\|(?:On|Off)$/.test(word)) {
        hardware.wiper = word.endsWith('On');
        at.commanded(word);
        return ok('<tptz:SendAuxiliaryCommandResponse/>');
      }
      if (!/^tt:(?:IRLamp|Siren)\|(?:On|Off)$/.test(word)) return badArgument(faults, 'ter:NoAux', 'Unknown command');
      if (word.includes('IRLamp')) hardware.lamp = word.endsWith('On');
      at.commanded(word);
      return ok('<tds:SendAuxiliaryCommandResponse/>');
    }
    case 'GetRecordingJobs':
      return ok(
        `<trc:GetRecordingJobsResponse><trc:JobItem><tt:JobToken>job0</tt:JobToken><tt:JobConfiguration><tt:Mode>${hardware.recording ? 'Active' : 'Idle'}</tt:Mode></tt:JobConfiguration></trc:JobItem></trc:GetRecordingJobsResponse>`,
      );
    case 'GetRules':
    case 'GetSupportedRules': {
      if (service !== 'analytics_service' || faults.has('no-analytics')) return unknownAction(faults);
      const channel = /^VAC_(\d+)$/.exec(ask('ConfigurationToken'))?.[1];
      if (channel === undefined || Number(channel) >= at.channels)
        return badArgument(faults, 'ter:NoConfig', 'No such analytics configuration');
      if (name === 'GetRules') return ok(rulesXml(Number(channel)));
      return faults.has('no-supported-rules') ? unknownAction(faults) : ok(supportedRules);
    }
    case 'SetRecordingJobMode':
      if (ask('JobToken') !== 'job0')
        return badArgument(faults, 'ter:NoRecordingJob', 'No such recording job, NoEntity');
      hardware.recording = ask('Mode') === 'Active';
      at.commanded(`recording ${hardware.recording ? 'on' : 'off'}`);
      return ok('<trc:SetRecordingJobModeResponse/>');
    default:
      return unknownAction(faults);
  }
}

function moved({ hardware, commanded }: ResourceSetting, motion: string | null, request: string): SimulatedAnswer {
  hardware.motion = motion;
  if (motion === 'home') hardware.head.go(homePlace);
  else if (motion === null) hardware.head.stop();
  else hardware.head.wander();
  commanded(motion ?? 'stop');
  return ok(`<tptz:${request}Response/>`);
}

/** In the generic spaces: -1 to 1 for a turn to either side and for straight down and up, 0 to 1 for 30 times. */
const vectorXml = ({ pan, tilt, zoom }: HeadPlace): string =>
  `<tt:PanTilt x="${(pan / 180 - 1).toFixed(6)}" y="${(tilt / 90).toFixed(6)}" space="http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"/><tt:Zoom x="${((zoom - 1) / 29).toFixed(6)}" space="http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace"/>`;

const rulesXml = (channel: number): string => {
  const rule = (name: string, type: string): string =>
    `<tan:Rule Name="${name}" Type="${type}"><tt:Parameters><tt:SimpleItem Name="Active" Value="true"/></tt:Parameters></tan:Rule>`;
  const rules = [
    rule(`Gate &amp; yard ${channel + 1}`, 'tt:LineDetector'),
    rule('00', 'tt:FieldDetector'),
    rule('Hut', 'simv:HeatWatch'),
  ];
  return `<tan:GetRulesResponse>${rules.join('')}</tan:GetRulesResponse>`;
};

const supportedRules =
  '<tan:GetSupportedRulesResponse><tan:SupportedRules><tt:RuleDescription Name="tt:LineDetector"><tt:Messages><tt:ParentTopic>tns1:RuleEngine/LineDetector/Crossed</tt:ParentTopic></tt:Messages></tt:RuleDescription>' +
  '<tt:RuleDescription Name="simv:HeatWatch"><tt:Messages IsProperty="true"><tt:ParentTopic> tns1:RuleEngine/HeatWatch/\n TemperatureAlarm</tt:ParentTopic></tt:Messages></tt:RuleDescription></tan:SupportedRules></tan:GetSupportedRulesResponse>';

const each = (count: number, write: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => write(i)).join('');
const sourceToken = (i: number): string => String(i).padStart(3, '0');

function clockXml(now: number): string {
  const [date = '', time = ''] = isoTime(now).slice(0, 19).split('T');
  const [year, month, day] = date.split('-').map(Number);
  const [hour, minute, second] = time.split(':').map(Number);
  return (
    '<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>' +
    `<tt:UTCDateTime><tt:Time><tt:Hour>${hour}</tt:Hour><tt:Minute>${minute}</tt:Minute><tt:Second>${second}</tt:Second></tt:Time>` +
    `<tt:Date><tt:Year>${year}</tt:Year><tt:Month>${month}</tt:Month><tt:Day>${day}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`
  );
}

function present(at: ResourceSetting): (readonly [string, string, string])[] {
  if (!at.faults.has('media2-only')) return [...services];
  return services.map(([namespace, path, name]) =>
    name === 'Media'
      ? (['http://www.onvif.org/ver20/media/wsdl', '/onvif/media2_service', 'Media2'] as const)
      : ([namespace, path, name] as const),
  );
}

const servicesXml = (at: ResourceSetting): string =>
  `<tds:GetServicesResponse>${present(at)
    .map(
      ([namespace, path]) =>
        `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${at.told(path)}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>`,
    )
    .join('')}</tds:GetServicesResponse>`;

function capabilitiesXml(at: ResourceSetting): string {
  const one = (name: string): string => {
    const found = services.find(([, , n]) => n === name);
    return `<tt:${name}><tt:XAddr>${at.told(found?.[1] ?? '')}</tt:XAddr></tt:${name}>`;
  };
  return (
    `<tds:GetCapabilitiesResponse><tds:Capabilities>${one('Analytics')}${one('Device')}${one('Events')}${one('Media')}${one('PTZ')}` +
    `<tt:Extension>${one('DeviceIO')}${one('Recording')}</tt:Extension></tds:Capabilities></tds:GetCapabilitiesResponse>`
  );
}

function profilesXml(service: string, at: ResourceSetting): SimulatedAnswer {
  if (service === 'media2_service')
    return ok(
      `<tr2:GetProfilesResponse>${each(
        at.channels,
        (i) =>
          `<tr2:Profiles token="Profile_${i}"><tr2:Name>main</tr2:Name><tr2:Configurations><tr2:VideoSource token="VSC_${i}"><tt:Name>Camera ${i + 1}</tt:Name><tt:SourceToken>${sourceToken(i)}</tt:SourceToken></tr2:VideoSource><tr2:Analytics token="VAC_${i}"/><tr2:PTZ token="PTZ_${i}"/></tr2:Configurations></tr2:Profiles>`,
      )}</tr2:GetProfilesResponse>`,
    );
  if (at.faults.has('media2-only')) return unknownAction(at.faults);
  return ok(
    `<trt:GetProfilesResponse>${each(
      at.channels,
      (i) =>
        `<trt:Profiles token="Profile_${i}" fixed="true"><tt:Name>main</tt:Name><tt:VideoSourceConfiguration token="VSC_${i}"><tt:Name>Camera ${i + 1}</tt:Name><tt:SourceToken>${sourceToken(i)}</tt:SourceToken></tt:VideoSourceConfiguration>` +
        `<tt:VideoAnalyticsConfiguration token="VAC_${i}"/><tt:PTZConfiguration token="PTZ_${i}"/></trt:Profiles><trt:Profiles token="Sub_${i}"><tt:VideoSourceConfiguration token="VSC_${i}"><tt:SourceToken>${sourceToken(i)}</tt:SourceToken></tt:VideoSourceConfiguration></trt:Profiles>`,
    )}</trt:GetProfilesResponse>`,
  );
}
