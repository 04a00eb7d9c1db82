// A plugin of clang-tidy: its checks walk over what is ours, instead of over each library's
// headers, too, where they report nothing.

#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/Frontend/FrontendAction.h>
#include <clang/Frontend/FrontendPluginRegistry.h>

#include <memory>
#include <string>
#include <vector>

namespace {

class OwnSources : public clang::ASTConsumer {
 public:
  void HandleTranslationUnit(clang::ASTContext& context) override {
    const clang::SourceManager& sources = context.getSourceManager();
    std::vector<clang::Decl*> own;
    for (clang::Decl* const declaration : context.getTranslationUnitDecl()->decls()) {
      const clang::SourceLocation location = sources.getExpansionLoc(declaration->getLocation());
      if (!sources.isInSystemHeader(location)) own.push_back(declaration);
    }
    context.setTraversalScope(own);
  }
};

class Action : public clang::PluginASTAction {
 protected:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& compiler,
                                                        llvm::StringRef file) override {
    return std::make_unique<OwnSources>();
  }
  bool ParseArgs(const clang::CompilerInstance& compiler,
                 const std::vector<std::string>& args) override {
    return true;
  }
  // Before the checks, and without being asked for.
  ActionType getActionType() override { return AddBeforeMainAction; }
};

const clang::FrontendPluginRegistry::Add<Action> kAdded("own-sources", "");

}  // namespace
