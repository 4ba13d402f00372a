export { type TraceLog } from './reading.js';
export { renderTrace, type RenderedTrace, type TraceLanguage } from './render.js';
export * from './trace.js';
export { createScoreTracer, type ScoreTracer, traceScore } from './tracer.js';
