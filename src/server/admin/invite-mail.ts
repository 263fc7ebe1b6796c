// The e-mail that invites somebody. Knows no mail server.

import type { Mail } from "../../notice/index.ts";

/** `link` ends in the token. */
export function composeInvitation(to: string, { link, expiresAt }: { link: string; expiresAt: Date }): Mail {
  const { host } = new URL(link);
  const until = `${expiresAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const text = [
    `You are invited to Tokligence Gateway at ${host}. This link signs you in:`,
    "",
    link,
    "",
    `It works once, until ${until}. If you did not expect it, ignore this message.`,
    "",
  ].join("\n");
  const address = link.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const html = `<!doctype html>
<html lang="en">
<body style="margin:0;padding:32px 16px;background:#f4f5f7;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2330">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center">
<table role="presentation" width="480" cellspacing="0" cellpadding="0" style="max-width:480px;width:100%;background:#ffffff;border-radius:12px;padding:32px">
<tr><td style="font-size:15px;font-weight:600;letter-spacing:.02em;color:#3b5bdb">Tokligence Gateway</td></tr>
<tr><td style="font-size:20px;font-weight:600;padding:16px 0 8px">You are invited</td></tr>
<tr><td style="padding:16px 0"><a href="${address}" style="display:inline-block;background:#3b5bdb;color:#ffffff;text-decoration:none;font-weight:600;padding:12px 24px;border-radius:8px">Sign in at ${host}</a></td></tr>
<tr><td style="font-size:14px;line-height:1.5;color:#4a5263">The link works once, until ${until}. If the button does nothing, copy this address:<br><span style="word-break:break-all">${address}</span></td></tr>
<tr><td style="font-size:13px;line-height:1.5;color:#6b7280;padding-top:16px">If you did not expect it, ignore this message.</td></tr>
</table></td></tr></table></body></html>
`;
  return { to, notice: { subject: `You are invited to Tokligence Gateway at ${host}`, text, html } };
}
