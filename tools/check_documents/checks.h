// Checks that the documents tell the truth about the repository.
//
//     for (const std::string& finding : check_documents(root)) std::cout << finding << '\n';
//
// Each check reads the tree under `root` and returns its findings, none when all is well. A finding
// is one line, "FILE:LINE: what is wrong (allowed: what would be right)", with FILE relative to
// `root`. Each check is defined in the file of its name: check_links() in links.cc.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace worker_pool {

using Findings = std::vector<std::string>;

// A relative link leads to a file or folder of the course, and its #anchor to a heading or an
// <a id="...">. Links into folders that .bazelignore hides from Bazel are checked only where these
// folders exist. Links to other sites have to begin with https://; they are not followed.
// [text][id] and [id]: target belong together.
Findings check_links(const std::filesystem::path& root);

// A block below a line <!-- from FILE --> contains lines of FILE, in their order; a line // ...
// stands for lines left out. Blocks of C++ and Go always name their file.
Findings check_excerpts(const std::filesystem::path& root);

// A Bazel label in code, such as //step2_worker:demo, is declared in a BUILD file of the page's
// module or of the course.
Findings check_targets(const std::filesystem::path& root);

// Every lesson has a section "Break it", and the lines that it removes are in the file that it
// names, exactly once. tools/check_break_it applies the change and runs the command.
Findings check_breaks(const std::filesystem::path& root);

// The cards in docs/review_cards.md have consecutive ids and all their parts, and each is in the
// table at the top. The ids WP-NN in code and pages exist, and so do the ids in the code that a
// card links.
Findings check_cards(const std::filesystem::path& root);

// Each exercise is in the table of exercises/README.md, in exercises/BUILD, and in the lesson that
// the table names. Its solution links a card that links the exercise. The table has the exercises
// of a lesson in the order in which the lesson links them, because ./learn follows the table.
Findings check_exercises(const std::filesystem::path& root);

// The front page links every lesson, the exercises, the cards, and the page "Go to C++".
Findings check_front_page(const std::filesystem::path& root);

// No text file contains an expression of words.txt, which has a plainer one for each.
Findings check_words(const std::filesystem::path& root);

// No file written by hand has more than 400 lines, except for the cards, which are one page so
// that links to them last.
Findings check_sizes(const std::filesystem::path& root);

// All of the above.
Findings check_documents(const std::filesystem::path& root);

}  // namespace worker_pool
