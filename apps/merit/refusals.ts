import { DomainError } from '#kernel';
import type { Language } from '#platform';

/** What a refusal says to people who read Chinese, by its code; `text` is what it says else. */
export type RefusalWords = Readonly<
  Record<string, (details: Readonly<Record<string, unknown>>, text: string) => string>
>;

/** Refusals of `work` in the reader's language; codes and details stay. */
export async function toldIn<Result>(
  language: Language,
  words: RefusalWords,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const inChinese = error instanceof DomainError ? words[error.code] : undefined;
    if (language !== 'zh' || !inChinese || !(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, error.details, inChinese(error.details, error.message));
  }
}
