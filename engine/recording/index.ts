/** Local recordings of live streams by ffmpeg: rings on disk, and the pictures and clips that are cut from them. */

export { type AlarmRecordings, type AlarmRecordingsOptions, createAlarmRecordings } from './alarm-recordings';
export { type CameraTiming, usualTiming } from './camera';
export { createRecorder, type Recorder, type RecorderOptions } from './recorder';
