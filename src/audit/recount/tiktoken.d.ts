// Vocabularies are imported as files, so that they are part of the executable. Knows no token.

declare module "*.tiktoken" {
  const path: string;
  export default path;
}
