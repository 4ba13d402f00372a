import { StoreUnavailable } from '#event-store';
import { DomainError } from '#kernel';
import type { RefusalWords } from './refusals.js';

type Details = Readonly<Record<string, unknown>>;

const held = ({ stream, revision, eventId }: Details): string =>
  `${String(stream)} 的修订 ${String(revision)}（事件 ${String(eventId)}）`;

/** What each refusal of a copy says to people who read Chinese. */
export const COPY_LOG_REFUSALS: RefusalWords = {
  'copy-log-source-missing': ({ source }) =>
    `${String(source)} 中没有日志；请用 --data 或 DATABASE_URL 指明系统所用的那一个`,
  'copy-log-foreign-target': (of) =>
    `目标中有 ${held(of)}，来源日志的同一位置${of['wantedEventId'] === null ? '之前已经结束' : '是别的内容'}：` +
    '目标另有写入，未作任何改动；请复制到空的日志中',
  'copy-log-incomplete': (of) => `目标丢失了它已接受的 ${held(of)}`,
  'copy-log-differs': (_, text) => `两份日志不一致：${text}`,
  'copy-log-source-grows': () => '来源日志仍在不断写入；请停止系统的所有进程后再次复制',
  'copy-log-interrupted': ({ reason }) =>
    `日志没有回应，复制中断：${String(reason)}；已复制的都保留着，再次执行 merit copy-log 即可继续`,
};

/** A store that does not answer any more, as a refusal that says how to go on. */
export function interrupted(thrown: unknown): unknown {
  if (!(thrown instanceof StoreUnavailable)) return thrown;
  const { message } = thrown;
  return new DomainError(
    'copy-log-interrupted',
    { reason: message },
    `${message}; what was copied stays: merit copy-log goes on from there`,
  );
}
