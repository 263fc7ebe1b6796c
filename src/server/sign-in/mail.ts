// The e-mail that brings somebody a link. Knows no mail server.

import type { Mail } from "../../notice/index.ts";

/** `link` ends in the token; `minutes`: how long it works. */
export function composeLinkMail(to: string, { link, minutes }: { link: string; minutes: number }): Mail {
  const host = new URL(link).host;
  const text = [
    `Sign in to Tokligence Gateway at ${host}:`,
    "",
    link,
    "",
    `The link works once, for ${minutes} minutes, in the browser that asked for it.`,
    "If it was not you who asked, ignore this message: nobody gets in without the link.",
    "",
  ].join("\n");
  const address = escapeHtml(link);
  const html = `<!doctype html>
<html lang="en">
<body style="margin:0;padding:32px 16px;background:#f4f5f7;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2330">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center">
<table role="presentation" width="480" cellspacing="0" cellpadding="0" style="max-width:480px;width:100%;background:#ffffff;border-radius:12px;padding:32px">
<tr><td style="font-size:15px;font-weight:600;letter-spacing:.02em;color:#3b5bdb">Tokligence Gateway</td></tr>
<tr><td style="font-size:20px;font-weight:600;padding:16px 0 8px">Sign in at ${escapeHtml(host)}</td></tr>
<tr><td style="padding:16px 0"><a href="${address}" style="display:inline-block;background:#3b5bdb;color:#ffffff;text-decoration:none;font-weight:600;padding:12px 24px;border-radius:8px">Sign in</a></td></tr>
<tr><td style="font-size:14px;line-height:1.5;color:#4a5263">The link works once, for ${minutes} minutes, in the browser that asked for it. If the button does nothing, copy this address:<br><span style="word-break:break-all">${address}</span></td></tr>
<tr><td style="font-size:13px;line-height:1.5;color:#6b7280;padding-top:16px">If it was not you who asked, ignore this message: nobody gets in without the link.</td></tr>
</table></td></tr></table></body></html>
`;
  return { to, notice: { subject: `Sign in to Tokligence Gateway at ${host}`, text, html } };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
