export { type BoardId, boardLines, boardPage, boardPlace, type BoardLine } from './queries.js';
export { COMPANY, type PersonPeriod, replaceStandings, type Standing } from './entries.js';
export { BoardEntryRow, BoardScoreCountRow } from './table.js';
