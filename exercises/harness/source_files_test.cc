#include "exercises/harness/source_files.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace worker_pool {
namespace {

// --- plan_of() -----------------------------------------------------------------------------------

TEST(PlanOf, NamesTestsAndCallsWithTheirLines) {
  const TestPlan plan = plan_of(
      "TEST(Stop, Ends) {\n"
      "  expect_every_schedule(kLesson,\n"
      "                        [] { worker.run(); });\n"
      "}\n"
      "TEST(Stop,\n"
      "     Drains) {}\n");
  ASSERT_EQ(plan.tests.size(), 2u);
  EXPECT_EQ(plan.tests[0].name, "Stop.Ends");
  EXPECT_EQ(plan.tests[1].name, "Stop.Drains");
  EXPECT_EQ(plan.tests[1].first_line, 5);
  ASSERT_EQ(plan.calls.size(), 1u);
  EXPECT_EQ(plan.calls[0].first_line, 2);
  EXPECT_EQ(plan.calls[0].last_line, 3);
}

TEST(PlanOf, SkipsCommentsAndLiterals) {
  const TestPlan plan = plan_of(
      "// TEST(A, B)\n"
      "/* TEST(A, B)\n */ \"TEST(A, B)\" R\"x(TEST(A, B) \")x\" 1'000 '\\'' 'T' 1'0\n"
      "// goes on \\\n TEST(A, B)\n"
      "TEST(C, D)");
  ASSERT_EQ(plan.tests.size(), 1u);
  EXPECT_EQ(plan.tests[0].name, "C.D");
  EXPECT_EQ(plan.tests[0].first_line, 6);
}

// --- what_is_refused() ---------------------------------------------------------------------------

// The line of the first thing that is refused and its name; nothing if the code is accepted.
std::string refused(std::string_view code) {
  const auto refused = what_is_refused(code);
  if (!refused) return "";
  return std::to_string(refused->line) + ": " +
         refused->why.substr(0, refused->why.find(" could replace"));
}

TEST(WhatIsRefused, AcceptsOrdinaryCode) {
  EXPECT_EQ(refused("#pragma once\n"
                    "#include <mutex>\n"
                    "# include \"testing/lab/lab.h\"  // the lab\n"
                    "#include \"step2_worker/channel.h\"\n"
                    "#if __cplusplus > 202302L\n#else\n#endif\n"
                    "// #define in a comment, and a \"LESSON\"\n"
                    "using namespace std::chrono_literals;\n"
                    "using lab::mutex;\n"
                    "using namespace worker_pool::lab;\n"
                    "namespace worker_pool {\n"
                    "lab::atomic<int> label = 1'000;\n"
                    "auto text = \"expect_every_schedule \\\" explore\";\n"
                    "void check(lab::mutex&, int a = 1 ? 2 : lab::kMost);\n"
                    "}"),
            "");
}

TEST(WhatIsRefused, RefusesMacros) {
  EXPECT_EQ(refused("\n#define TEST(a, b)"), "2: \"#define\"");
  EXPECT_EQ(refused("/* */ # /* */ undef TEST"), "1: \"#undef\"");
  EXPECT_EQ(refused("%:define TEST"), "1: \"#define\"");
  EXPECT_EQ(refused("#de\\\nfine TEST"), "1: \"#define\"");
  EXPECT_EQ(refused("int i = 1'0;\n#define check 'x'"), "2: \"#define\"");
  EXPECT_EQ(refused("auto x = R\"(\n)\";\n#define TEST"), "3: \"#define\"");
}

// Each of these ends the comment or the literal before the macro for a compiler.
TEST(WhatIsRefused, SeesAMacroWhereACompilerSeesIt) {
  const std::string define = "2: \"#define\"";
  EXPECT_EQ(refused("R\"()\\\n\"; /* )\";\n#define TEST // */"), "3: \"#define\"") << "raw splice";
  EXPECT_EQ(refused("R\\\n\"(\")\";\n#define TEST"), "3: \"#define\"") << "R, splice, quote";
  EXPECT_EQ(refused("// \\ \t\n /*\n#define TEST\n// */"), "3: \"#define\"") << "splice, spaces";
  EXPECT_EQ(refused("\xef\xbb\xbf#define TEST"), "1: \"#define\"") << "byte order mark";
  EXPECT_EQ(refused("\xc3\xa9R\"(\";\n#define TEST // )\""), define) << "the name \xc3\xa9R";
  EXPECT_EQ(refused("$R\"(\";\n#define TEST // )\""), define) << "the name $R";
  EXPECT_EQ(refused("\"\"R\"(\";\n#define TEST // )\""), define) << "the suffix R";
  EXPECT_EQ(refused("1'/*';\n#define TEST // */"), define) << "a number, then a character";
  EXPECT_EQ(refused("1e+a'b'/*';\n#define TEST // */"), define) << "a sign in a number";
  EXPECT_EQ(refused("#if '/*'\n#define TEST // */"), define) << "a literal in a directive";
  EXPECT_EQ(refused("#if 0\n'\n#define TEST\n#endif"), "3: \"#define\"") << "half a literal";
  EXPECT_EQ(refused("#error don't\n#define TEST"), define) << "half a literal in a directive";
}

TEST(WhatIsRefused, RefusesWhatCompilersReadInDifferentWays) {
  EXPECT_EQ(refused("\n// \r#define TEST"), "2: A carriage return in a line");
  EXPECT_EQ(refused("int a;\r\n// b\r\nint c;\r\n"), "");
  EXPECT_EQ(refused("\\u{e9}R\"(\";\n#define TEST // )\""), "1: \"\\\"");
  EXPECT_EQ(refused("R\" (\";\n#define TEST // ) \""), "1: \"\\\"");
  EXPECT_EQ(refused("#if R\"(\n#define TEST\n// )\""), "1: \"#if\"");
}

TEST(WhatIsRefused, RefusesWhatCouldDefineOne) {
  EXPECT_EQ(refused("#include \"macros.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include \"testing/lab/engine/inside.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include HEADER"), "1: \"#include\"");
  EXPECT_EQ(refused("#include_next <mutex>"), "1: \"#include_next\"");
  EXPECT_EQ(refused("#include <any/path.h>"), "1: \"#include\"");
  EXPECT_EQ(refused("#include </etc/macros.h>"), "1: \"#include\"");
  EXPECT_EQ(refused("#include \"step1/../cheat.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include \"step1_job/../cheat.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include \"step_cheat.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include \"testing/lab/lab.h/../../cheat.h\""), "1: \"#include\"");
  EXPECT_EQ(refused("#include"), "1: \"#include\"");
  EXPECT_EQ(refused("#if __has_embed(</*>)\n#endif\n#define TEST\n// */"), "1: \"#if\"");
  EXPECT_EQ(refused("#line 1 \"test.cc\""), "1: \"#line\"");
  EXPECT_EQ(refused("#pragma redefine_extname a b"), "1: \"#pragma\"");
}

TEST(WhatIsRefused, RefusesAnotherLab) {
  const std::string lab = "1: A declaration of \"lab\"";
  EXPECT_EQ(refused("namespace lab { void check(bool, const char*) {} }"), lab);
  EXPECT_EQ(refused("namespace worker_pool::lab { }"), lab);
  EXPECT_EQ(refused("namespace worker_pool::lab::more { }"), lab);
  EXPECT_EQ(refused("namespace lab = other;"), lab);
  EXPECT_EQ(refused("struct lab {};"), lab);
  EXPECT_EQ(refused("enum class lab { a };"), lab);
  EXPECT_EQ(refused("using lab = Other;"), lab);
  EXPECT_EQ(refused("typedef Other lab;"), lab);
}

TEST(WhatIsRefused, RefusesAnotherStd) {
  EXPECT_EQ(refused("namespace std { int count; }"), "1: A declaration of \"std\"");
  EXPECT_EQ(refused("namespace worker_pool::std {}"), "1: A declaration of \"std\"");
  EXPECT_EQ(refused("using namespace std; ::std::string a; namespace c = std::chrono;"), "");
}

TEST(WhatIsRefused, RefusesSpecializations) {
  const std::string specialization = "1: A specialization of a template";
  for (const char* code : {
           "template <> int lab::atomic<int>::operator++() { return 1; }",
           "template <class T> requires true class lab::atomic<T> {};",
           "template <class T> struct worker_pool::lab::atomic<T*> {};",
           "template <class T> class [[nodiscard]] alignas(8) ::worker_pool::lab::atomic<T*> {};",
           "template <class T> union __attribute__((packed)) std::optional<T*> {};",
           "template <class T> class Queue<T*> {};",
           "template <class T> class <:<:nodiscard:>:> Queue<::T*> {};",
       }) {
    EXPECT_EQ(refused(code), specialization) << code;
  }
  EXPECT_EQ(refused("template <class T, class = lab::mutex, template <class> class Q = Queue>\n"
                    "class alignas(8) Queue : Base<T> { friend class Queue<int>; };\n"
                    "struct [[nodiscard]] Own : lab::mutex {}; enum class Kind : int {};"),
            "");
}

// With inline or weak, such a definition would be no error.
TEST(WhatIsRefused, RefusesFunctionsOfTheLabAndOfStd) {
  const std::string lab = "1: A function of \"lab\"";
  for (const char* code : {
           "inline void lab::check(bool, const std::string&) {}",
           "inline void (lab::check)(bool, const std::string&) {}",
           "inline void worker_pool::lab::mutex::lock() {}",
           "inline bool ::worker_pool::lab::mutex::try_lock() noexcept { return true; }",
           "inline lab::mutex::~mutex() {}",
           "inline lab::thread& lab::thread::operator=(thread&&) noexcept { return *this; }",
           "inline auto lab::mutex::lock() -> void {}",
           "inline void lab::mutex::lock() try {} catch (...) {}",
           "inline void lab::mutex::lock() __attribute__((unused)) {}",
           "inline void lab::mutex::lock() [[gnu::unused]] {}",
           "inline void lab::mutex::lock() <% %>",
       }) {
    EXPECT_EQ(refused(code), lab) << code;
  }
  EXPECT_EQ(refused("inline void std::condition_variable::notify_one() noexcept {}"),
            "1: A function of \"std\"");
  EXPECT_EQ(refused("[[gnu::always_inline]] inline void M::lock() {}"), "1: \"always_inline\"");
}

TEST(WhatIsRefused, AcceptsCallsAndTypesOfTheLabAndOfStd) {
  EXPECT_EQ(
      refused("struct Named : lab::mutex { Named() : lab::mutex(\"a\") {} };\n"
              "Own() : jobs_(), std::string(\"a\") {}\n"
              "operator std::string() const { return \"\"; }\n"
              "std::string name() const { return std::string(\"a\"); }\n"
              "std::function<std::string()> f = [x = std::move(y)] { lab::note(\"a\"); };\n"
              "using F = std::move_only_function<std::string() const>;\n"
              "if (lab::check(a, \"b\"); std::exchange(p, q)->ok()) { std::data(v)[0] = 1; }\n"
              "auto now() -> lab::steady_clock::time_point { return std::max(a, b); }\n"
              "void Queue::push(int i) { std::unique_lock<lab::mutex> lock(mutex_); }\n"
              "lab::thread worker(\"worker\", [] {}); auto r = a ? std::f(b) : lab::g(c);"),
      "");
}

TEST(WhatIsRefused, RefusesNamesOfTheHarness) {
  EXPECT_EQ(refused("\nvoid expect_every_schedule();"), "2: \"expect_every_schedule\"");
  EXPECT_EQ(refused("class LabGate {};"), "1: \"LabGate\"");
  EXPECT_EQ(refused("auto r = lab::explore({}, f);"), "1: \"explore\"");
}

TEST(WhatIsRefused, AcceptsNamesThatAreTheLabsOnlyIfTheFileSaysSo) {
  EXPECT_EQ(refused("using namespace std::chrono_literals; using namespace std;\n"
                    "class Scheduler { std::size_t running_threads = 0; };\n"
                    "void f(Scheduler& s) { ++s.running_threads; }"),
            "");
  const std::string name = "1: \"running_threads\"";
  EXPECT_EQ(refused("auto n = lab::running_threads();"), name);
  EXPECT_EQ(refused("using worker_pool::lab::running_threads;"), name);
  EXPECT_EQ(refused("auto n = ::worker_pool::lab /**/ :: running_threads();"), name);
  EXPECT_EQ(refused("auto n = other_name_of_lab::running_threads();"), name);
  EXPECT_EQ(refused("auto n = running_threads(); using namespace worker_pool::lab;"), name);
}

TEST(WhatIsRefused, RefusesWhatHidesCodeFromTheLab) {
  EXPECT_EQ(refused("void f() { const lab::Inside inside; }"), "1: \"Inside\"");
  EXPECT_EQ(refused("void f() { ++lab::t_inside; }"), "1: \"t_inside\"");
  EXPECT_EQ(refused("void f() { lab::t_number = -1; }"), "1: \"t_number\"");
  EXPECT_EQ(refused("void f() { lab::t_stack = 0; }"), "1: \"t_stack\"");
  EXPECT_EQ(refused("void f() { lab::t_stack_limit = 0; }"), "1: \"t_stack_limit\"");
  EXPECT_EQ(refused("void f() { lab::Outside outside; }"), "1: \"Outside\"");
  EXPECT_EQ(refused("class Fake : lab::AtomicBase {};"), "1: \"AtomicBase\"");
  EXPECT_EQ(refused("extern \"C\" int _ZN11worker_pool3lab8t_insideE;"),
            "1: \"_ZN11worker_pool3lab8t_insideE\"");
  EXPECT_EQ(refused("void f() { __tsan_func_exit(); }"), "1: \"__tsan_func_exit\"");
  EXPECT_EQ(refused("__attribute__((no_sanitize(\"thread\"))) void f();"), "1: \"no_sanitize\"");
  EXPECT_EQ(refused("[[gnu::__no_sanitize_thread__]] void f();"), "1: \"__no_sanitize_thread__\"");
  EXPECT_EQ(refused("void f() { __asm__(\"nop\"); }"), "1: \"__asm__\"");
  EXPECT_EQ(refused("_Pragma(\"weak f\")"), "1: \"_Pragma\"");
  EXPECT_EQ(refused("#if __has_include(</*>)\n#endif\n#define TEST\n// */"), "1: \"#if\"");
}

TEST(WhatIsRefused, RefusesWhatEndsTheProgramUnseen) {
  EXPECT_EQ(refused("int i = execl(\"/bin/true\", \"true\", nullptr);"), "1: \"execl\"");
  EXPECT_EQ(refused("extern \"C\" long syscall(long, ...);"), "1: \"syscall\"");
  EXPECT_EQ(refused("auto end = ::dlsym(RTLD_NEXT, \"exit\");"), "1: \"dlsym\"");
  EXPECT_EQ(refused("[[gnu::constructor]] void f();"), "1: \"constructor\"");
  EXPECT_EQ(refused("[[gnu::init_priority(101)]] inline Ends ends;"), "1: \"init_priority\"");
  EXPECT_EQ(refused("__attribute__((section(\".preinit_array\"))) auto f = end;"),
            "1: \"section\"");
  EXPECT_EQ(refused("[[gnu::__ifunc__(\"resolve\")]] void f();"), "1: \"__ifunc__\"");
  EXPECT_EQ(refused("const std::lock_guard<lab::mutex> section(mutex_); pool.execute(job);"), "");
}

TEST(WhatIsRefused, RefusesOperatorsThatTheTestUses) {
  const std::string op = "1: \"operator\"";
  EXPECT_EQ(refused("bool operator==(Time, Time) { return true; }"), op);
  EXPECT_EQ(refused("bool operator!(Status);"), op);
  EXPECT_EQ(refused("bool operator not_eq(Time, Time);"), op);
  EXPECT_EQ(refused("bool operator and(Status, Status);"), op);
  EXPECT_EQ(refused("auto operator<=>(Time, Time);"), op);
  EXPECT_EQ(refused("Time operator-(Time, Time);"), op);
  EXPECT_EQ(refused("Time operator*(int, Time);"), op);
  EXPECT_EQ(refused("T& operator=(T&&);\n T& operator*() const; T* operator->() const;\n"
                    "void operator()(int); explicit operator bool() const; int operator[](int);\n"
                    "T& operator++(); T& operator--(int); T& operator+=(int);\n"
                    "bool operator<(const T& other) const; bool operator>(const T&) const;"),
            "");
}

// Only in a class can a comparison be defaulted or const, and one of the two objects is of that
// class.
TEST(WhatIsRefused, AcceptsComparisonsOfAClass) {
  EXPECT_EQ(refused("struct A {\n"
                    "  bool operator==(const A&) const = default;\n"
                    "  auto operator<=>(const A& other) const noexcept = default;\n"
                    "  friend bool operator!=(const A&, const A&) = default;\n"
                    "  auto operator<=>(const B& b) const { return at <=> b.at; }\n"
                    "  bool operator==(const B& b) const noexcept { return at == b.at; }\n"
                    "};"),
            "");
  const std::string op = "1: \"operator\"";
  EXPECT_EQ(refused("bool operator==(Time, Time) { return true; } int i = default;"), op);
  EXPECT_EQ(refused("bool operator==(Time, Time = Time()) noexcept(true) { return true; }"), op);
  EXPECT_EQ(refused("bool operator==(Time, Time) = delete;"), op);
  EXPECT_EQ(refused("Time operator-(Time, Time) = default;"), op);
  EXPECT_EQ(refused("bool operator=="), op);
  EXPECT_EQ(refused("bool operator==("), op);
}

TEST(WhatIsRefused, EndsWithUnfinishedCode) {
  for (const char* code :
       {"",        "\"",    "'",        "/*",       "//",        "R\"(",      "#",
        "%:",      "1'",    "\\",       "\\\n",     "lab",       "namespace", "template",
        "TEST(",   "R\"",   "#include", "# ",       "#include<", "1e",        "'\\",
        "class [", "lab::", "lab::a(",  "::lab::~", "operator"}) {
    EXPECT_NO_FATAL_FAILURE((void)what_is_refused(code)) << code;
    EXPECT_NO_FATAL_FAILURE((void)plan_of(code)) << code;
  }
}

}  // namespace
}  // namespace worker_pool
