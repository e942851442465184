import './meter.js'
import '/varve/worker.js'
