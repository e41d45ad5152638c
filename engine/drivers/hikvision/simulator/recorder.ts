export interface SimulatedCamera {
  channel: number;
  name: string;
  online: boolean;
  /** The recorder's word for what is wrong. */
  reason: string;
}

export interface SimulatedPort {
  id: number;
  name: string;
  on: boolean;
}

/** The cameras behind a simulated recorder. */
export interface Recorder {
  cameras: SimulatedCamera[];
  inputs: SimulatedPort[];
  outputs: SimulatedPort[];
  /** Analog channels in front of the cameras. */
  analog: number;
}

/** @param channels cameras; they stand behind the analog channels */
export const createRecorder = (channels: number, analog: number): Recorder => ({
  cameras: Array.from({ length: channels }, (_, i) => ({
    channel: analog + i + 1,
    name: `IPCamera ${i + 1}`,
    online: true,
    reason: '',
  })),
  inputs: [101, 102].map((id) => ({ id, name: `Camera input ${id}`, on: false })),
  outputs: [101, 102].map((id) => ({ id, name: `Camera output ${id}`, on: false })),
  analog,
});
