// Files of the built-in page, imported as text.

declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.svg" {
  const text: string;
  export default text;
}
declare module "*/element.js" {
  const text: string;
  export default text;
}
declare module "*/keys.js" {
  const text: string;
  export default text;
}
declare module "*/page.js" {
  const text: string;
  export default text;
}
