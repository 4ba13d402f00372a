export { COMPANY, type PersonPeriod, replaceStandings, type Standing } from './entries.js';
export { indicatorPage, indicatorPlace, type IndicatorBoardLine } from './indicator-boards.js';
export {
  type BoardChange,
  type BoardState,
  type BoardWatch,
  changeBetween,
  createLiveBoards,
  isSameLine,
  type LiveBoards,
} from './live.js';
export { type BoardId, boardLines, boardPage, boardPlace, type BoardLine } from './queries.js';
export { BoardEntryRow, BoardScoreCountRow, IndicatorStandingRow } from './table.js';
