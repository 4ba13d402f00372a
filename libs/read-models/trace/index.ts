export { recordIdOf } from './naming.js';
export { isSeen, type TraceEvents, type TraceLog } from './reading.js';
export { renderTrace, type RenderedTrace, type TraceLanguage } from './render.js';
export * from './trace.js';
export { createScoreTracer, type ScoreTracer, traceScore } from './tracer.js';
export { EVENT_NAMES } from './words.js';
