/* cnnc.y: the grammar of the language. It knows names and arguments, and no layer by its name.
 *
 * NL ends every statement, also in front of '}' and of the end of the file (front/tokens.c sees to that), and every '{'
 * has its '}'. A statement that fails is left at its NL; a body that it may have is parsed all the same, for the errors
 * in it and so that the braces still match. */
%require "3.8"
%define api.prefix {grammar_}
%define api.pure full
%define api.value.type {union Meaning}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param { Parse *p }
%initial-action { @$ = (Span){ p->source, 0, 0 }; }

%code requires {
#include "front/parse.h"
}

%code {
#include "front/tree.h"

/* What a rule covers; a rule of nothing lies behind what came before it. */
#define YYLLOC_DEFAULT(whole, parts, count)                                             \
    ((whole) = (count) > 0 ? span_join(YYRHSLOC(parts, 1), YYRHSLOC(parts, count))      \
                           : span_end(YYRHSLOC(parts, 0)))

/* Appends to a list in the meaning of a rule. */
#define APPEND(list, item)              \
    do {                                \
        if ((list).first == NULL)       \
            (list).first = (item);      \
        else                            \
            (list).last->next = (item); \
        (list).last = (item);           \
    } while (0)

static Span span_end(Span s)
{
    return (Span){ s.source, s.to, s.to };
}

static void grammar_error(Span *at, Parse *p, const char *message);
}

%token <name> ID CALL REL
%token <expr> NUM DIM STR
%token NL ARROW DOTS
%token PARAM NETWORK BLOCK DATA TRAIN ON IMPORT REPEAT IN EXPECT ROW FROM PATH

%left '+' '-'
%left '*' '/'
%precedence SIGN

%type <expr> source expr
%type <exprs> exprs
%type <arg> arg value
%type <args> args args_opt callargs
%type <word> trainee path_name
%type <words> from_opt names
%type <path> path
%type <paths> paths paths_opt
%type <layer> layer
%type <flow> flow
%type <stmt> stmt
%type <stmts> stmts body
%type <formal> formal
%type <formals> formals
%type <count> count

%%

file:
    %empty
  | file item
  ;

item:
    PARAM ID '=' expr NL                        { tree_item(p, AST_PARAM, @$, tree_word(p, $ID, @ID))->value = $expr; }
  | NETWORK ID body NL                          { tree_item(p, AST_NETWORK, @$, tree_word(p, $ID, @ID))->body = $body.first; }
  | BLOCK ID body NL                            { tree_item(p, AST_BLOCK, @$, tree_word(p, $ID, @ID))->body = $body.first; }
  | BLOCK CALL formals ')' body NL
    {
        AstItem *item = tree_item(p, AST_BLOCK, @$, tree_word(p, $CALL, tree_call_name(@CALL)));
        item->formals = $formals.first;
        item->body = $body.first;
    }
  | DATA ID body NL                             { tree_item(p, AST_DATA, @$, tree_word(p, $ID, @ID))->body = $body.first; }
  | TRAIN trainee ON source body NL
    {
        AstItem *item = tree_item(p, AST_TRAIN, @$, $trainee);
        item->value = $source;
        item->body = $body.first;
    }
  | IMPORT STR NL                               { tree_item(p, AST_IMPORT, @$, NULL)->value = $STR; }
  | NL
  | error NL                                    { yyerrok; p->file->failed = true; }
  | error failed_body NL                        { yyerrok; p->file->failed = true; }
  ;

trainee:
    %empty                                      { $$ = NULL; }
  | ID                                          { $$ = tree_word(p, $ID, @ID); }
  ;

source:
    ID                                          { $$ = tree_name(p, @$, $ID); }
  | STR
  ;

formals:
    formal                                      { $$.first = $$.last = $formal; }
  | formals ',' formal                          { $$ = $1; APPEND($$, $formal); }
  ;

formal:
    ID                                          { $$ = tree_formal(p, $ID, @$, NULL); }
  | ID '=' expr                                 { $$ = tree_formal(p, $ID, @$, $expr); }
  ;

body:
    '{' stmts '}'                               { $$ = $stmts; }
  ;

/* The body of a statement that failed. What would be out of place in another is accepted, its place being unknown. */
failed_body:
    forgive body                                { p->forgiving--; }
  ;

forgive:
    %empty                                      { p->forgiving++; }
  ;

stmts:
    %empty                                      { $$.first = $$.last = NULL; yyerrok; }
  | stmts stmt                                  { $$ = $1; if ($stmt != NULL) APPEND($$, $stmt); }
  ;

stmt:
    flow NL                                     { $$ = tree_flow(p, @flow, NULL, $flow.first, $flow.failed); }
  | ID '=' flow NL
    {
        $$ = tree_flow(p, span_join(@ID, @flow), tree_word(p, $ID, @ID), $flow.first, $flow.failed);
    }
  | REPEAT count body NL
    {
        $$ = tree_stmt(p, AST_REPEAT, span_join(@REPEAT, @body));
        $$->name = $count.counter;
        $$->low = $count.low;
        $$->high = $count.high;
        $$->body = $body.first;
    }
  | EXPECT expr[left] REL expr[right] NL
    {
        $$ = tree_stmt(p, AST_EXPECT, span_join(@EXPECT, @right));
        $$->low = $left;
        $$->high = $right;
        $$->relation = $REL;
        $$->relation_span = @REL;
    }
  | ROW exprs[inputs] ARROW exprs[targets] NL
    {
        $$ = tree_stmt(p, AST_ROW, span_join(@ROW, @targets));
        $$->inputs = $inputs.first;
        $$->targets = $targets.first;
    }
  | NL                                          { $$ = NULL; }
  | PATH lost_path path_name body NL            { $$ = tree_failed(p, span_join(@PATH, @body), NULL); }
  | error NL                                    { yyerrok; $$ = tree_failed(p, @error, NULL); }
  | error failed_body NL                        { yyerrok; $$ = tree_failed(p, span_join(@error, @failed_body), NULL); }
  | ID '=' error NL                             { yyerrok; $$ = tree_failed(p, span_join(@ID, @error), tree_word(p, $ID, @ID)); }
  | ID '=' error failed_body NL
    {
        yyerrok;
        $$ = tree_failed(p, span_join(@ID, @failed_body), tree_word(p, $ID, @ID));
    }
  ;

lost_path:
    %empty                                      { syntax_lost_path(p); }
  ;

count:
    expr                                        { $$.counter = NULL; $$.low = $expr; $$.high = NULL; }
  | ID IN expr[low] DOTS expr[high]             { $$.counter = tree_word(p, $ID, @ID); $$.low = $low; $$.high = $high; }
  ;

flow:
    layer                                       { $$.first = $$.last = $layer.made; $$.failed = $layer.failed; }
  | flow ARROW layer                            { $$ = $1; APPEND($$, $layer.made); $$.failed |= $layer.failed; }
  ;

layer:
    ID args_opt from_opt paths_opt
    {
        $$.made = tree_layer(p, @$, $ID, @ID, $args_opt.first, $from_opt.first);
        $$.made->has_paths = $paths_opt.given;
        $$.made->paths = $paths_opt.first;
        $$.failed = $paths_opt.failed;
    }
  | CALL callargs ')' from_opt paths_opt
    {
        $$.made = tree_layer(p, @$, $CALL, tree_call_name(@CALL), $callargs.first, $from_opt.first);
        $$.made->call = true;
        $$.made->has_paths = $paths_opt.given;
        $$.made->paths = $paths_opt.first;
        $$.failed = $paths_opt.failed;
    }
  ;

args_opt:
    %empty                                      { $$.first = $$.last = NULL; }
  | args
  ;

callargs:
    %empty                                      { $$.first = $$.last = NULL; }
  | args
  ;

from_opt:
    %empty                                      { $$.first = $$.last = NULL; }
  | FROM names                                  { $$ = $names; }
  ;

names:
    ID                                          { $$.first = $$.last = tree_word(p, $ID, @ID); }
  | names ',' ID                                { AstName *name = tree_word(p, $ID, @ID); $$ = $1; APPEND($$, name); }
  ;

paths_opt:
    %empty                                      { $$.first = $$.last = NULL; $$.given = $$.failed = false; }
  | '{' paths '}'                               { $$ = $paths; }
  ;

paths:
    %empty
    {
        $$.first = $$.last = NULL;
        $$.given = true;
        $$.failed = false;
        tokens_branch(p);
    }
  | paths path
    {
        $$ = $1;
        if ($path != NULL)
            APPEND($$, $path);
        else
            $$.failed = true;
    }
  | paths NL
  ;

path:
    PATH path_name body NL                      { $$ = tree_path(p, span_join(@PATH, @body), $path_name, $body.first); }
  | error NL                                    { yyerrok; $$ = NULL; }
  | error failed_body NL                        { yyerrok; $$ = NULL; }
  ;

path_name:
    %empty                                      { $$ = NULL; }
  | ID                                          { $$ = tree_word(p, $ID, @ID); }
  ;

args:
    arg                                         { $$.first = $$.last = $arg; }
  | args ',' arg                                { $$ = $1; APPEND($$, $arg); }
  ;

arg:
    expr                                        { $$ = tree_arg(p, @$, $expr); }
  | expr[low] DOTS expr[high]                   { $$ = tree_arg(p, @$, $low); $$->high = $high; }
  | ID '=' value
    {
        $$ = $value;
        $$->span = @$;
        $$->key = $ID;
        $$->key_span = @ID;
    }
  ;

/* An argument that still lacks its key. */
value:
    expr                                        { $$ = tree_arg(p, @$, $expr); }
  | '(' expr ',' exprs ')'
    {
        $expr->next = $exprs.first;
        $$ = tree_arg(p, @$, $expr);
        $$->tuple = true;
    }
  ;

exprs:
    expr                                        { $$.first = $$.last = $expr; }
  | exprs ',' expr                              { $$ = $1; APPEND($$, $expr); }
  ;

expr:
    NUM
  | DIM
  | STR
  | ID                                          { $$ = tree_name(p, @$, $ID); }
  | CALL callargs ')'                           { $$ = tree_call(p, @$, $CALL, $callargs.first); }
  | '(' expr ')'                                { $$ = $2; $$->span = @$; }
  | expr '+' expr                               { $$ = tree_binary(p, @$, '+', $1, $3); }
  | expr '-' expr                               { $$ = tree_binary(p, @$, '-', $1, $3); }
  | expr '*' expr                               { $$ = tree_binary(p, @$, '*', $1, $3); }
  | expr '/' expr                               { $$ = tree_binary(p, @$, '/', $1, $3); }
  | '-' expr %prec SIGN                         { $$ = tree_negate(p, @$, $2); }
  ;

%%

/* Called by bison with the token that fits nowhere. */
static int yyreport_syntax_error(const yypcontext_t *context, Parse *p)
{
    bool expected[TOKEN_KINDS], wanted[YYNTOKENS] = { false };
    yysymbol_kind_t symbols[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);

    if (count < 0)
        return count;               /* out of memory, which bison reports by grammar_error */
    for (int i = 0; i < count; i++)
        wanted[symbols[i]] = true;
    for (int kind = 0; kind < TOKEN_KINDS; kind++)
        expected[kind] = wanted[YYTRANSLATE(kind)];
    syntax_error(p, expected);
    return 0;
}

/* Called by bison for the rest: its stack cannot grow, by more than the limits on nesting can make of it. */
static void grammar_error(Span *at, Parse *p, const char *message)
{
    error_at(p->unit, *at, "internal error in the parser: %s", message);
}
