export { VarveLevel } from '../../../js/dist/level.js'
