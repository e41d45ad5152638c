import { engineSetting, type FlowEngine, userError } from '../../engine/index';
import type { Red } from './runtime-api';

/** The engine that the host put into Node-RED's settings, or null in a Node-RED that alarmflow did not start. */
export const engineOf = (red: Red): FlowEngine | null => red.settings[engineSetting] ?? null;

export const engineMissing = (subject: string): Error =>
  userError(
    'E_ENGINE_MISSING',
    `${subject} cannot work in this Node-RED: it must run inside alarmflow. Start alarmflow ("npm start" in its folder) and open its editor`,
  );
