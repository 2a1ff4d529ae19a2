/* names.c: the one way for a name from a source into generated text (emit.h).
 *
 * A name may be anything that the language accepts, `int`, `exp` and `__LINE__` included. Every table begins with what C, C++,
 * its library and the compilers' built-in functions call their own; the emitters reserve what they use themselves. */
#include "emit/emit.h"
#include "emit/map.h"

#include <string.h>

struct Names {
    Arena *arena;
    Map *answers;       /* name -> identifier */
    Map *taken;         /* identifier -> something, if it is in use */
};

/* Words that generated code cannot have as an identifier, or had better not: keywords of C11 to C23 and of C++, macros and functions of the
 * headers that generated code includes, and library functions that gcc and clang know without any header. */
static const char *const own_words[] = {
    /* keywords */
    "alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern false float "
    "for goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct switch "
    "thread_local true typedef typeof typeof_unqual union unsigned void volatile while near far",
    "and and_eq bitand bitor catch char8_t char16_t char32_t class co_await co_return co_yield compl concept consteval "
    "constinit const_cast decltype delete dynamic_cast explicit export friend import module mutable namespace new noexcept "
    "not not_eq operator or or_eq private protected public reinterpret_cast requires static_cast template this throw try "
    "typeid typename using virtual wchar_t xor xor_eq",
    /* what compilers define before the first line */
    "linux unix i386 arm mips sparc sun vax MSDOS WIN32 NDEBUG",
    /* stddef.h, stdint.h, math.h */
    "NULL offsetof size_t ptrdiff_t max_align_t rsize_t WCHAR_MIN WCHAR_MAX WINT_MIN WINT_MAX SIZE_MAX PTRDIFF_MIN "
    "PTRDIFF_MAX SIG_ATOMIC_MIN SIG_ATOMIC_MAX INTMAX_MIN INTMAX_MAX UINTMAX_MAX INTPTR_MIN INTPTR_MAX UINTPTR_MAX "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intmax_t uintmax_t intptr_t uintptr_t",
    "HUGE_VAL HUGE_VALF HUGE_VALL INFINITY NAN FP_NAN FP_INFINITE FP_ZERO FP_SUBNORMAL FP_NORMAL FP_ILOGB0 FP_ILOGBNAN "
    "MATH_ERRNO MATH_ERREXCEPT math_errhandling MAXFLOAT DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS float_t double_t "
    "signgam signbit fpclassify isfinite isinf isnan isnormal isgreater isgreaterequal isless islessequal islessgreater "
    "isunordered finite significand drem gamma lgamma_r j0 j1 jn y0 y1 yn exp10 pow10 sincos matherr scalb iseqsig "
    "issignaling issubnormal iszero canonicalize",
    /* library functions that are built in */
    "abort abs alloca assert atexit atoi bcmp bcopy bzero cabs calloc cbrt cimag clock conj cpow creal div errno execl execle "
    "execlp execv execve execvp exit ffs ffsl fopen fork fprintf fputc fputs free fscanf fwrite getc getchar gettext index "
    "isalnum isalpha isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit labs llabs imaxabs "
    "longjmp main malloc mempcpy memchr memcmp memcpy memmove memset mktime printf printf_unlocked putc putchar puts qsort raise "
    "rand read realloc rindex scanf setjmp signal snprintf sprintf srand sscanf stpcpy stpncpy strcasecmp strcat strchr strcmp "
    "strcpy strcspn strdup strfmon strftime strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strrchr strspn "
    "strstr strtod strtof strtok strtol system time toascii tolower toupper va_arg va_copy va_end va_list va_start vfprintf "
    "vfscanf vprintf vscanf vsnprintf vsprintf vsscanf write aligned_alloc posix_memalign stdin stdout stderr environ",
    /* the contract */
    "cnn cnn_main cnn_model cnn_program cnn_phase cnn_sum cnn_job cnn_tensor cnn_setting cnn_argument cnn_map cnn_look cnn_update CNN_ABI CNN_MODEL_H"
};

/* Each stands for itself and with an f or an l behind it. */
static const char math_words[] =
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax fmin fmod "
    "frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter nexttoward "
    "pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc roundeven significand drem finite gamma "
    "j0 j1 jn y0 y1 yn exp10 pow10 sincos cexp clog csin ccos ctan csqrt";

static void reserve_words(Names *names, const char *words, const char *ending)
{
    while (*words) {
        size_t length = strcspn(words, " ");
        names_reserve(names, arena_print(names->arena, "%.*s%s", (int)length, words, ending));
        words += length;
        words += strspn(words, " ");
    }
}

Names *names_new(Arena *arena)
{
    Names *names = ARENA_NEW(arena, Names);

    *names = (Names){ arena, map_new(arena), map_new(arena) };
    for (int i = 0; i < countof(own_words); i++)
        reserve_words(names, own_words[i], "");
    reserve_words(names, math_words, "");
    reserve_words(names, math_words, "f");
    reserve_words(names, math_words, "l");
    return names;
}

void names_reserve(Names *names, const char *identifier)
{
    *map_text(names->taken, identifier) = names;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c)  { return c >= '0' && c <= '9'; }

/* The name with every byte that an identifier cannot have turned into '_'. Identifiers that begin with '_' belong to the
 * implementation and none begins with a digit: a letter goes first. */
static char *letters_of(Arena *arena, const char *name)
{
    char *legal = is_letter(name[0]) ? arena_print(arena, "%s", name) : arena_print(arena, "n%s", name);

    for (char *c = legal; *c; c++)
        if (!is_letter(*c) && !is_digit(*c))
            *c = '_';
    return legal;
}

const char *names_unique(Names *names, const char *name)
{
    const char *base = letters_of(names->arena, name), *unique = base;

    for (int again = 1; *map_text(names->taken, unique); again++)
        unique = again == 1 ? arena_print(names->arena, "%s_", base) : arena_print(names->arena, "%s_%d", base, again);
    names_reserve(names, unique);
    return unique;
}

bool names_is_free(const Names *names, const char *name)
{
    return !*map_text(names->taken, letters_of(names->arena, name));
}

const char *names_legal(Names *names, const char *name)
{
    void **answer = map_text(names->answers, name);

    if (!*answer)
        *answer = (void *)names_unique(names, name);
    return *answer;
}

/* ---- comments */

/* Bytes of the UTF-8 character at `c`, 0 if there is none. */
static int character_bytes(const unsigned char *c)
{
    int more = c[0] < 0x80 ? 0 : c[0] >= 0xc2 && c[0] < 0xe0 ? 1 : (c[0] & 0xf0) == 0xe0 ? 2 : c[0] >= 0xf0 && c[0] < 0xf5 ? 3 : -1;

    for (int i = 1; i <= more; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

/* Marks that change the direction of the text behind them: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool turns_text(const unsigned char *c)
{
    return c[0] == 0xe2 && ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae)))
                            || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* One more byte of a comment; a space goes between two that together would end or begin a comment or a trigraph. */
static void put_byte(Text *t, char c)
{
    char last = t->length ? t->at[t->length - 1] : ' ';

    if ((last == '*' && c == '/') || (last == '/' && c == '*') || (last == '?' && c == '?'))
        text_bytes(t, " ", 1);
    text_bytes(t, &c, 1);
}

const char *names_comment(Arena *arena, const char *text)
{
    Text *t = text_new(arena);

    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int bytes = character_bytes(c);
        if (*c == '\t')
            put_byte(t, ' ');
        else if (bytes == 0 || turns_text(c) || *c < ' ' || *c == 0x7f)
            put_byte(t, '?');
        else if (*c == '\\')                                   /* a line that ends in it would swallow the next */
            put_byte(t, '/');
        else if (bytes == 1)
            put_byte(t, (char)*c);
        else
            text_bytes(t, (const char *)c, (size_t)bytes);
        c += bytes ? bytes : 1;
    }
    return t->at;
}
