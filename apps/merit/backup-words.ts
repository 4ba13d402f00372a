import { DomainError } from '#kernel';
import type { Language } from '#platform';

type Details = Readonly<Record<string, unknown>>;

const nameOf = (details: Details, name: string): string => String(details[name]);

/** What each refusal of a backup or a restore says to people who read Chinese. */
const IN_CHINESE: Readonly<Record<string, (details: Details) => string>> = {
  'backup-file-exists': (of) => `${nameOf(of, 'file')} 已存在；请换一个文件名`,
  'backup-not-written': (of) => `无法写入 ${nameOf(of, 'file')}：${nameOf(of, 'reason')}`,
  'backup-unreadable': (of) => `无法读取 ${nameOf(of, 'file')}`,
  'backup-damaged': (of) =>
    `备份文件 ${nameOf(of, 'file')} 已损坏或不完整，未恢复任何内容（${nameOf(of, 'reason')}）`,
  'backup-format-newer': (of) =>
    `${nameOf(of, 'file')} 由更新版本的客户经理考核激励账写成（${nameOf(of, 'reason')}）；` +
    '请用该版本或更新的版本恢复',
  'backup-keys-other': (of) =>
    `${nameOf(of, 'keysFile')} 中的密钥不属于 ${nameOf(of, 'file')} 这次备份`,
  'backup-source-damaged': (of) =>
    `日志已损坏，未写出备份（${nameOf(of, 'reason')}）；merit verify 会列出每一处`,
  'backup-needs-postgresql': () =>
    'EVENT_STORE_URL 指向的日志请用该服务器自己的工具备份；merit backup 只备份 PostgreSQL 中的日志',
  'key-encryption-key-wrong': (of) =>
    `此备份的密钥由 ${nameOf(of, 'wrappedBy')} 加密，给出的密钥加密密钥是 ${nameOf(of, 'given')}；` +
    '请把原来的密钥文件放到数据目录，或用 MERIT_KEK_FILE 指明',
  'key-file-missing': (of) =>
    `无法读取密钥文件 ${nameOf(of, 'file')}；恢复需要原系统的密钥加密密钥，` +
    '请先放到数据目录，或用 MERIT_KEK_FILE 指明',
  'restore-target-not-empty': (of) =>
    `目标中的 ${nameOf(of, 'table')} 已有内容；只能恢复到新的目录或数据库`,
  'restore-not-verified': (of) => `恢复的内容核对未通过，已全部撤回：${nameOf(of, 'findings')}`,
};

/** Refusals of `work` in the reader's language; codes and details stay. */
export async function toldIn<Result>(
  language: Language,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const inChinese = error instanceof DomainError ? IN_CHINESE[error.code] : undefined;
    if (language !== 'zh' || !inChinese || !(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, error.details, inChinese(error.details));
  }
}

export const REFUSALS = Object.keys(IN_CHINESE);
