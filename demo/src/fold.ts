/** Letters that Unicode does not decompose into a plain letter and a mark. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ŋ: 'n', ı: 'i', ə: 'e',
}

/**
 * Folds what people do not type: case, accents, apostrophes. Whatever else is between letters
 * becomes "_", which orders behind "/", so that a whole name comes before longer ones.
 */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđðþħŧŋıə]/g, (letter) => PLAIN[letter] ?? letter)
    .replace(/['’‘ʻʼʿʾ`´]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_/, '')
}
