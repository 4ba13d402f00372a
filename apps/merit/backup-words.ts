import type { Language } from '#platform';
import type { RefusalWords } from './refusals.js';

type Details = Readonly<Record<string, unknown>>;

const nameOf = (details: Details, name: string): string => String(details[name]);

/**
 * What to save, or to bring back, where the log is in EventStoreDB. The order counts: the key of an
 * event is made before the event, so keys that were saved after the log open all of it.
 */
export function withEventStoreDb(language: Language, of: Details): string {
  const words = language === 'zh' ? savedInChinese : savedInEnglish;
  return words(of, of['wanted'] === 'restore', of['database'] === 'embedded');
}

function savedInEnglish(of: Details, isRestore: boolean, isEmbedded: boolean): string {
  const keys = of['hasKeysElsewhere'] === true ? ' and the one of KEYS_DATABASE_URL' : '';
  const folder = `the whole folder ${nameOf(of, 'dataDir')}`;
  const kek = `the key-encryption key ${nameOf(of, 'kekFile')}`;
  if (isRestore) {
    const back = `${isEmbedded ? folder : 'the database of DATABASE_URL'}${keys}`;
    return (
      'the log is in EventStoreDB (EVENT_STORE_URL), which merit restore does not fill. Bring ' +
      `back 1. the log, with the means of that server; 2. ${back}, as saved after the log; ` +
      `3. ${kek}; then run merit rebuild. A file of merit backup is restored without ` +
      'EVENT_STORE_URL, and its log moved there by merit copy-log'
    );
  }
  const saved = isEmbedded
    ? `${folder}, with the system stopped${keys && `,${keys} with pg_dump`}`
    : `the whole database of DATABASE_URL${keys} with pg_dump`;
  return (
    'the log is in EventStoreDB (EVENT_STORE_URL), which merit backup does not save. Save in ' +
    `this order: 1. the log, with the means of that server; 2. after it ${saved} (persons' keys, ` +
    'schema keys, and the access record, schema access, are nowhere else); ' +
    `3. apart from both, ${kek}`
  );
}

function savedInChinese(of: Details, isRestore: boolean, isEmbedded: boolean): string {
  const keys = of['hasKeysElsewhere'] === true ? '以及 KEYS_DATABASE_URL 的数据库' : '';
  const folder = `整个目录 ${nameOf(of, 'dataDir')}`;
  const kek = `密钥加密密钥 ${nameOf(of, 'kekFile')}`;
  if (isRestore) {
    const back = `${isEmbedded ? folder : ' DATABASE_URL 的数据库'}${keys}`;
    return (
      '日志在 EventStoreDB 中（EVENT_STORE_URL），merit restore 不写入那里。请依次恢复：' +
      `一、用该服务器自己的工具恢复日志；二、恢复在日志之后保存的${back}；三、放回${kek}；` +
      '然后运行 merit rebuild。merit backup 的文件请不设 EVENT_STORE_URL 来恢复，' +
      '再用 merit copy-log 移入'
    );
  }
  const saved = isEmbedded
    ? `停止系统后复制${folder}${keys && `，${keys}（pg_dump）`}`
    : `用 pg_dump 完整保存 DATABASE_URL 的数据库${keys}`;
  return (
    '日志在 EventStoreDB 中（EVENT_STORE_URL），merit backup 不保存它。请依次保存：' +
    `一、用该服务器自己的工具保存日志；二、在此之后${saved}` +
    `（个人密钥在 keys 模式、访问记录在 access 模式，别处没有）；三、另处保管${kek}`
  );
}

/** What each refusal of a backup or a restore says to people who read Chinese. */
export const BACKUP_REFUSALS: RefusalWords = {
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
  'backup-source-missing': (of) =>
    `${nameOf(of, 'dataDir')} 中没有数据；请用 --data 指明要备份的目录`,
  'backup-needs-postgresql': (of) => withEventStoreDb('zh', of),
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
