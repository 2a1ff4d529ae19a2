" Vim syntax file for cnnc programs (*.cnn).
if exists("b:current_syntax")
  finish
endif

syn case match

syn match   cnncError     /\<[0-9][0-9A-Za-z_.]*/
syn match   cnncNumber    /\<[0-9]\+\(\.[0-9]\+\)\?\(e[+-]\?[0-9]\+\)\?\(k\|M\|KB\|MB\|%\)\?\([0-9A-Za-z_]\)\@!/
syn match   cnncSize      /\<[1-9][0-9]*\(x[0-9]\+\)\+\([0-9A-Za-z_]\)\@!/
syn match   cnncName      /\<[A-Za-z_][A-Za-z0-9_]*\>/
syn match   cnncLayer     /\(^\s*\|[;{]\s*\|\s=\s\+\|->\s*\)\@<=[A-Za-z_][A-Za-z0-9_]*\>\(\s*=[^=]\)\@!/
syn match   cnncKey       /\<[A-Za-z_][A-Za-z0-9_]*\ze=[^=]/
syn match   cnncOperator  /->\|\.\.\|[=!<>]=\|[-+*/=<>]/
syn keyword cnncItem      param network block data train import
syn keyword cnncStatement repeat expect row path
syn keyword cnncStatement on in from
syn region  cnncString    start=/"/ skip=/\\[\\"]/ end=/"/ oneline contains=cnncEscape
syn match   cnncEscape    /\\[\\"]/ contained
syn match   cnncComment   /#.*$\|\/\/.*$/ contains=@Spell

hi def link cnncError     Error
hi def link cnncNumber    Number
hi def link cnncSize      Constant
hi def link cnncLayer     Function
hi def link cnncKey       Identifier
hi def link cnncOperator  Operator
hi def link cnncItem      Keyword
hi def link cnncStatement Statement
hi def link cnncString    String
hi def link cnncEscape    SpecialChar
hi def link cnncComment   Comment

let b:current_syntax = "cnnc"
