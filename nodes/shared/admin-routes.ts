import { asAlarmflowError, type FlowEngine } from '../../engine/index';
import { engineMissing, engineOf } from './engine-access';
import type { AdminHandler, AdminRequest, Red } from './runtime-api';

/**
 * An admin route that answers with JSON. Refusals of the user family are 400 with the reason, others 500;
 * nothing that a handler throws or rejects with reaches Node-RED's own error page.
 */
export const jsonRoute =
  (red: Red, answer: (engine: FlowEngine, request: AdminRequest) => Promise<unknown>): AdminHandler =>
  (request, response) => {
    const work = async (): Promise<unknown> => {
      const engine = engineOf(red);
      if (!engine) throw engineMissing('The dialog');
      return answer(engine, request);
    };
    work().then(
      (body) => response.json(body),
      (thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        response
          .status(error.family === 'user' ? 400 : 500)
          .json({ error: { code: error.code, message: error.message } });
      },
    );
  };
