// The door of the room.
export { type Mail, checkMail, sendMail } from "./mail.ts";
export type { Notice, Smtp } from "./notice.ts";
export { createNotifier } from "./notifier.ts";
export type { Notifier } from "./notifier.ts";
export { type NoticeShelf, openNoticeShelf } from "./shelf.ts";
export { isPath, listTargetSecrets, nameTarget, readTarget, splitTargets } from "./target.ts";
export type { Target } from "./target.ts";
