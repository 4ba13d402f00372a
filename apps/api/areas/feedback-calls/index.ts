import type { ApiArea } from '../area.js';
import { recordCall, recordCalls } from './commands.js';
import { FeedbackCallsController } from './controller.js';
import { readCalls, readNext, readSampleProof, readSamples } from './queries.js';
import { commitSeed, drawSample, freezeFrame } from './samples.js';

export const feedbackCallsArea: ApiArea = {
  controllers: [FeedbackCallsController],
  commands: [commitSeed, freezeFrame, drawSample, recordCall, recordCalls],
  queries: [readSamples, readSampleProof, readNext, readCalls],
};
