import { readdirSync, readFileSync } from 'node:fs';

/** What an operation answered in the recording, and the form of all its answers there. */
export type RecordedAnswer = {
  /** Of the body: JSON, or text of which `lines` tells the form. */
  readonly mediaType: string;
  readonly example: unknown;
  /** Of the JSON, or of the JSON of each line; absent where the text is no JSON. */
  readonly schema?: object;
};

export const ANSWERS_FOLDER = new URL('./', import.meta.url);

/** By operation; one file an area, written by `answers.spec.ts`. */
export function recordedAnswers(): ReadonlyMap<string, RecordedAnswer> {
  const files = readdirSync(ANSWERS_FOLDER).filter((name) => name.endsWith('.json'));
  return new Map(
    files.toSorted().flatMap((name) => {
      const text = readFileSync(new URL(name, ANSWERS_FOLDER), 'utf8');
      return Object.entries(JSON.parse(text) as Record<string, RecordedAnswer>);
    }),
  );
}
