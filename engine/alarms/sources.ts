import type { SourceMachine, TriggerSource } from '../domain/triggers';
import { combinationMachine } from '../gates';
import { thermalMachine } from '../thermal';

/** The machine of a source. */
export function sourceMachine(source: TriggerSource): SourceMachine<unknown> {
  switch (source.kind) {
    case 'thermal':
      return thermalMachine(source.rule);
    case 'combination':
      return combinationMachine(source.rule);
  }
}
