import type { z } from 'zod';
import { z as schema } from 'zod';
import { userError } from '../../domain/errors';

/** Reads a query or a body; `E_BAD_REQUEST` (user) names every field that is wrong, and why. */
export function parse<T extends z.ZodType>(type: T, given: unknown, where: 'query' | 'body' | 'path'): z.infer<T> {
  const result = type.safeParse(given);
  if (result.success) return result.data;
  const wrong = result.error.issues.slice(0, 10).map((issue) => {
    const name = issue.path.join('.');
    return name === '' ? issue.message : `"${name}": ${issue.message}`;
  });
  throw userError('E_BAD_REQUEST', `The ${where} of the request cannot be used: ${wrong.join('; ')}`);
}

/** Ids are made by us or by Node-RED; anything else is refused before it gets near the record. */
export const idType = schema
  .string()
  .min(1)
  .max(300)
  .regex(/^\P{Cc}+$/u, 'control characters are not allowed');

/** A whole number in a query. */
export const countType = (least: number, most: number, standard: number) =>
  schema
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${least} to ${most} is needed`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most} is needed`)
    .default(standard);

/** 1 or 0 in a query. */
export const switchType = schema
  .enum(['0', '1', 'true', 'false'])
  .transform((value) => value === '1' || value === 'true');
