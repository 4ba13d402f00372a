import { createScoreTracer, type ScoreTracer, type TraceLog } from '#read-models/trace';

const tracers = new WeakMap<TraceLog, ScoreTracer>();

/** A tracer keeps what concerns everybody and reads only what is new of it: one for all queries. */
export function tracerOf(log: TraceLog): ScoreTracer {
  const known = tracers.get(log);
  if (known) return known;
  const tracer = createScoreTracer(log);
  tracers.set(log, tracer);
  return tracer;
}
