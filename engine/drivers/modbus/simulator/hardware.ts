import type { Clock, Timer } from '../../../clock/clock';

/** Relays, contacts and timers of a simulated board; addresses from 0. */
export interface BoardHardware {
  coils: boolean[];
  contacts: boolean[];
  registers: number[];
  setCoil(address: number, on: boolean): void;
  /** Switches on and off again by itself; the same again starts the time anew. */
  flashOn(address: number, ms: number): void;
  allOff(): void;
  commands: string[];
  close(): void;
}

export function createBoardHardware(inputs: number, outputs: number, clock: Clock): BoardHardware {
  const timers = new Map<number, Timer>();
  const stop = (address: number): void => {
    timers.get(address)?.cancel();
    timers.delete(address);
  };
  const hardware: BoardHardware = {
    coils: Array.from({ length: outputs }, () => false),
    contacts: Array.from({ length: inputs }, () => false),
    registers: Array.from({ length: outputs }, () => 0),
    commands: [],
    setCoil(address, on) {
      stop(address);
      hardware.coils[address] = on;
    },
    flashOn(address, ms) {
      hardware.setCoil(address, true);
      timers.set(
        address,
        clock.after(ms, () => hardware.setCoil(address, false), { background: true }),
      );
    },
    allOff() {
      hardware.coils.forEach((_on, address) => {
        hardware.setCoil(address, false);
      });
    },
    close() {
      for (const address of [...timers.keys()]) stop(address);
    },
  };
  return hardware;
}
