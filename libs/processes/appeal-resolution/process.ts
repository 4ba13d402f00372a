import type { AppealDecided } from '#contexts/appeals';
import type { CorrectionApproved, ResultCorrected } from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import type { Process, ToDoChange } from '#processes/to-do';
import { resolutionKey, resolveAppeal, resolveCorrection } from './resolve.js';

/**
 * Decisions with corrections whose new version is not recorded yet. Who decides resolves at once in
 * the same request; what a crash left in between is found here.
 */
export const appealResolution: Process = {
  name: 'appeal-resolution',
  project: changesBy,
  perform: async (engine, { data }) => {
    const { appealId, correctionId } = data as Cited;
    if (appealId !== undefined) await resolveAppeal(engine, appealId);
    if (correctionId !== undefined) await resolveCorrection(engine, correctionId);
  },
};

type Cited = { readonly appealId?: string; readonly correctionId?: string };

function changesBy({ type, data }: RecordedEvent): readonly ToDoChange[] {
  switch (type) {
    case 'appeals.AppealDecided.v1': {
      const { appealId, corrections, decidedAt } = data as AppealDecided['data'];
      if (corrections.length === 0) return [];
      return [open(resolutionKey({ kind: 'appeal', appealId }, decidedAt), { appealId })];
    }
    case 'assessment.CorrectionApproved.v1': {
      const { correctionId, approvedAt } = data as CorrectionApproved['data'];
      return [open(resolutionKey({ kind: 'office', correctionId }, approvedAt), { correctionId })];
    }
    case 'assessment.ResultCorrected.v1': {
      const { citing, decidedAt } = data as ResultCorrected['data'];
      return [{ kind: 'close', key: resolutionKey(citing, decidedAt) }];
    }
    default:
      return [];
  }
}

const open = (key: string, data: Cited): ToDoChange => ({ kind: 'open', key, dueAt: null, data });
